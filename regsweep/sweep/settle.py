"""What is settled once for all runs of a sweep, so that its results do not depend on the order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Literal

from regsweep.errors import InputError, bad_value
from regsweep.settings.model import CNN
from regsweep.settings.run import Run, fusible

if TYPE_CHECKING:
    import torch

# A compiled step saves 0.3 ms a run and step on one core, and costs 20 s when nothing of it is
# cached. Counted in what is asked, never in what is measured: compiled and eager round otherwise.
REPAID_STEPS = 100_000
# On a CPU the parameters of more runs do not fit the caches; benchmarks/width.py measures it.
WIDEST_ON_CPU = 16
WIDEST_ON_GPU = 1024


@dataclass(frozen=True)
class Settled:
    """How the runs of a sweep are computed.

    ``mode`` holds for the runs with ``trainer.compile=auto``; ``pack_width`` is the most runs
    that train as one.
    """

    device: str
    mode: Literal["compiled", "eager"]
    threads: int
    matmul_precision: str
    pack_width: int


@dataclass(frozen=True)
class Packing:
    """What the pack launcher is asked for; ``None`` leaves it to the machine.

    ``pack_size`` is the most runs that train as one, ``workers`` the number of processes.
    """

    pack_size: int | None
    workers: int | None


def settle(
    runs: Sequence[Run],
    jobs: int | None = 1,
    together: int | None = 1,
    packing: Packing | None = None,
    unlisted: int = 0,
) -> tuple[Settled, str]:
    """What holds for a sweep of ``jobs`` runs like ``runs``, and one line that says why.

    ``together`` jobs make a round; ``None`` if it is not known. Without ``packing`` each run
    trains alone. ``unlisted`` kinds of runs may be tried beside those of ``runs``.

    What is to be compiled is compiled and tried before.

    Raises:
        InputError: a device is not there, or ``trainer.compile=true`` and it cannot be compiled.
    """
    from regsweep.training.compiled import lacking
    from regsweep.training.device import resolve_device
    from regsweep.training.pack import THREADS

    devices = [resolve_device(run.trainer.device) for run in runs]
    asked = {run.trainer.compile for run in runs}
    # Each kind of run has a step of its own to compile.
    kinds = len({fusible(run) for run in runs}) + unlisted
    kinds = min(kinds, jobs or kinds)
    steps = round(sum(run.steps for run in runs) / len(runs) * (jobs or len(runs)) / kinds)
    of_a_kind = " of a kind" if kinds > 1 else ""
    few = steps < REPAID_STEPS
    # Not asked where it decides nothing: on a GPU it loads Triton.
    decides = True in asked or ("auto" in asked and not few)
    missing = next(filter(None, map(lacking, devices)), None) if decides else None
    if True in asked and missing:
        raise _cannot_compile(missing)
    mode: Literal["compiled", "eager"] = "eager"
    if "auto" not in asked:
        mode = "compiled" if True in asked else "eager"
        why = "trainer.compile says so"
    elif few:
        why = f"{steps:,} steps{of_a_kind} do not repay compiling ({REPAID_STEPS:,} do)"
    elif missing:
        why = missing
    else:
        mode, why = "compiled", f"{steps:,} steps{of_a_kind} repay it"
    settled = Settled(
        device=_joined([str(device) for device in devices]),
        mode=mode,
        threads=THREADS,
        matmul_precision=_joined([run.trainer.matmul_precision for run in runs]),
        pack_width=_pack_width(runs, devices, together, packing),
    )
    if fault := fault_of_settled(settled, runs, jobs, together, packing):
        if True in asked:
            raise _cannot_compile(fault)
        settled, why = replace(settled, mode="eager"), fault
    return settled, f"{settled.device}, {settled.mode}: {why}"


def fault_of_settled(
    settled: Settled,
    runs: Sequence[Run],
    jobs: int | None = 1,
    together: int | None = 1,
    packing: Packing | None = None,
) -> str | None:
    """Why the runs that are to be compiled cannot be, as a few steps of each kind show."""
    from regsweep.packs.tryout import fault_of_compiled

    kinds = {fusible(run): run for run in runs if mode_of(run, settled) == "compiled"}
    tried = []
    for run in list(kinds.values())[:jobs]:
        device = device_of(run, settled)
        width = settled.pack_width
        if packing is not None and packing.pack_size is None:
            width = min(width, widest(run, device))
        tried.append((run, width, device))
    if not tried:
        return None
    workers = None if packing is None else count_workers(packing, tried[0][2])
    return fault_of_compiled(tried, workers and min(workers, together or workers))


def _cannot_compile(why: str) -> InputError:
    return bad_value("trainer.compile", "true", f"auto or false: {why}")


def _pack_width(
    runs: Sequence[Run],
    devices: Sequence["torch.device"],
    together: int | None,
    packing: Packing | None,
) -> int:
    if packing is None:
        return 1
    if packing.pack_size is not None:
        return packing.pack_size
    most = max(widest(run, device) for run, device in zip(runs, devices, strict=True))
    if together is None:
        return most
    return even_width(together, count_workers(packing, devices[0]), most)


def even_width(jobs: int, workers: int, widest: int) -> int:
    """The least width at which ``jobs`` take as few turns of ``workers`` as at ``widest``."""
    turns = ceil(jobs / (workers * widest))
    return ceil(jobs / (workers * turns))


def count_workers(packing: Packing, device: "torch.device") -> int:
    """Processes: one a core that this process may use, by affinity and cgroup; one for a GPU."""
    from loky import cpu_count

    return packing.workers or (cpu_count() if device.type == "cpu" else 1)


def device_of(run: Run, settled: Settled) -> "torch.device":
    """Where ``run`` is trained: as its config says, or as was settled.

    Raises:
        InputError: the device is not there.
    """
    from regsweep.training.device import resolve_device

    # Runs of several devices each name their own.
    settled_here = run.trainer.device == "auto" and ", " not in settled.device
    return resolve_device(settled.device if settled_here else run.trainer.device)


def mode_of(run: Run, settled: Settled) -> Literal["compiled", "eager"]:
    """How ``run`` is trained: as its config says, or as was settled."""
    if run.trainer.compile == "auto":
        return settled.mode
    return "compiled" if run.trainer.compile else "eager"


def widest(run: Run, device: "torch.device") -> int:
    """The most runs like ``run`` that one pack holds without being slower than several packs.

    Convolutions under ``torch.func.vmap`` are slower on a CPU than one by one.
    """
    if device.type != "cpu":
        return WIDEST_ON_GPU
    return 1 if isinstance(run.model, CNN) else WIDEST_ON_CPU


def _joined(values: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(values))
