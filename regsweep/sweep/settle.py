"""What is settled once for all runs of a sweep, so that its results do not depend on the order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from regsweep.errors import ClusterFault, InputError, MachineFault, bad_value
from regsweep.records.settled import Settled
from regsweep.settings.model import Model
from regsweep.settings.run import Run, fusible, tried_by
from regsweep.sweep.packing import Packing, count_workers, even_width, widest
from regsweep.sweep.processor import processor
from regsweep.sweep.tryout import RunAll, fault_of_compiled, in_turn, why_alone

if TYPE_CHECKING:
    import torch

# A compiled step saves 0.3 ms a run and step on one core, and costs 20 s when nothing of it is
# cached. Counted in what is asked, never in what is measured: compiled and eager round otherwise.
REPAID_STEPS = 100_000


def settle(
    runs: Sequence[Run],
    jobs: int | None = 1,
    together: int | None = 1,
    packing: Packing | None = None,
    unlisted: int = 0,
    run_all: RunAll = in_turn,
) -> tuple[Settled, str]:
    """What holds for a sweep of ``jobs`` runs like ``runs``, and one line that says why.

    ``together`` jobs make a round; ``None`` if it is not known. Without ``packing`` each run
    trains alone. ``unlisted`` kinds of runs may be tried beside those of ``runs``. ``run_all`` runs
    calls where the sweep trains.

    What is to be compiled is compiled and tried before.

    Raises:
        InputError: a device is not there, or ``trainer.compile=true`` and it cannot be compiled.
    """
    from regsweep.training.compiled import lacking
    from regsweep.training.device import resolve_device
    from regsweep.training.load import facts_of
    from regsweep.training.pack import THREADS

    here = packing is None or packing.here
    devices = [resolve_device(run.trainer.device, here=here) for run in runs]
    asked = {run.trainer.compile for run in runs}
    # Each kind of run has a step of its own to compile.
    kinds = len({fusible(run) for run in runs}) + unlisted
    kinds = min(kinds, jobs or kinds)
    every = sum(run.steps(facts_of(run.data, run.loss).train) for run in runs)
    steps = round(every / len(runs) * (jobs or len(runs)) / kinds)
    of_a_kind = " of a kind" if kinds > 1 else ""
    few = steps < REPAID_STEPS
    # Not asked where it decides nothing: on a GPU it loads Triton. Workers are tried below.
    decides = here and (True in asked or ("auto" in asked and not few))
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
        processor=processors_of(packing),
    )
    settled, of_packs = _with_packs(settled, runs, together, packing, run_all)
    if fault := fault_of_settled(settled, runs, jobs, together, packing, run_all):
        if True in asked:
            raise _cannot_compile(fault)
        settled, why = replace(settled, mode="eager"), fault
    return settled, "\n".join([f"{settled.device}, {settled.mode}: {why}", *of_packs])


def processors_of(packing: Packing | None) -> str:
    """What trains the runs: this machine's processor, or those of the cluster's workers."""
    return "; ".join((packing and packing.processors) or [processor()])


def fault_of_settled(
    settled: Settled,
    runs: Sequence[Run],
    jobs: int | None = 1,
    together: int | None = 1,
    packing: Packing | None = None,
    run_all: RunAll = in_turn,
) -> str | None:
    """Why the runs that are to be compiled cannot be, as a few steps of each kind show."""
    kinds = {fusible(run): run for run in runs if mode_of(run, settled) == "compiled"}
    tried = []
    for run in list(kinds.values())[:jobs]:
        device = device_of(run, settled, here=packing is None or packing.here)
        width = _width_of(run, settled, packing)
        alone = not in_packs(run, settled)
        tried.append((run, 1 if alone else width, device, alone))
    if not tried:
        return None
    workers = 1 if packing is None else count_workers(packing, tried[0][2])
    return fault_of_compiled(tried, min(workers, together or workers), run_all)


def _with_packs(
    settled: Settled,
    runs: Sequence[Run],
    together: int | None,
    packing: Packing | None,
    run_all: RunAll,
) -> tuple[Settled, list[str]]:
    """``settled``, with what is tried of ``runs`` before they are trained in packs; a line each.

    Every network that a choice stands for is tried, and one that is to train alone decides for all.
    """
    packed: dict[str, str] = {}
    alone: dict[str, str] = {}
    networks: dict[tuple[str, Model], Run] = {}
    for run in runs:
        if (tried := tried_by(run)) is not None:
            networks.setdefault((tried, run.model), run)
    for (tried, _), run in networks.items():
        if tried in alone:
            continue
        device = device_of(run, settled, here=packing is None or packing.here)
        width = _width_of(run, settled, packing)
        if run.trainer.pack != "auto":
            (packed if run.trainer.pack == "always" else alone)[tried] = "trainer.pack says so"
        elif packing is None or width == 1:
            alone[tried] = "one run at a time is asked for"
        elif reason := _why_alone(run, width, device, settled, run_all):
            alone[tried] = reason
        else:
            packed[tried] = f"tried {width} at once: the bits of a run alone, in less time"
    packed = {tried: why for tried, why in packed.items() if tried not in alone}
    lines = [f"{tried}: packed: {why}" for tried, why in packed.items()]
    lines += [f"{tried}: each run alone: {why}" for tried, why in alone.items()]
    return replace(settled, packed=packed, alone=alone), lines


def _width_of(run: Run, settled: Settled, packing: Packing | None) -> int:
    """The most runs like ``run`` that train as one."""
    if packing is None or packing.pack_size is not None:
        return settled.pack_width
    return min(settled.pack_width, widest(run, device_of(run, settled, here=packing.here)))


def _why_alone(
    run: Run, width: int, device: "torch.device", settled: Settled, run_all: RunAll
) -> str | None:
    try:
        return why_alone(run, width, device, mode_of(run, settled), run_all)
    except ClusterFault:
        raise
    except MachineFault:
        return why_alone(run, width, device, "eager", run_all)


def in_packs(run: Run, settled: Settled) -> bool:
    """Whether ``run`` is computed as one of many, also where it is one by itself."""
    tried = tried_by(run)
    if tried is None or run.trainer.pack != "auto":
        return tried is None or run.trainer.pack == "always"
    return tried in settled.packed


def one_by_one(run: Run, settled: Settled, *, test: bool) -> bool:
    """Whether each run like ``run`` trains by itself.

    So do those whose bits a pack might change where ``trainer.pack=always`` takes that and their
    results are tested.
    """
    if run.trainer.pack == "never":
        return True
    risked = tried_by(run) is not None and run.trainer.pack == "always"
    return not in_packs(run, settled) or (risked and test)


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


def device_of(run: Run, settled: Settled, *, here: bool = True) -> "torch.device":
    """Where ``run`` is trained: as its config says, or as was settled.

    Raises:
        InputError: it is trained ``here``, and the device is not there.
    """
    from regsweep.training.device import resolve_device

    # Runs of several devices each name their own.
    as_settled = run.trainer.device == "auto" and ", " not in settled.device
    return resolve_device(settled.device if as_settled else run.trainer.device, here=here)


def mode_of(run: Run, settled: Settled) -> Literal["compiled", "eager"]:
    """How ``run`` is trained: as its config says, or as was settled."""
    if run.trainer.compile == "auto":
        return settled.mode
    return "compiled" if run.trainer.compile else "eager"


def _joined(values: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(values))
