"""Packs of 1 to 64 runs on one thread of the CPU: time, memory, and share of the matrix peak.

Each width and batch size has a process of its own, in which ``train_pack`` trains a compiled pack
of runs that differ in their L2 penalty and share their seed, as the runs of a search do. A value
is the second epoch of such a pack: its wall time over its steps and its runs, without validation.
The processes stay alive and take turns, so that all widths are measured side by side.

The share of the peak is the pack's rate of floating-point operations over that of the best square
matrix product that PyTorch does at the same threads and precision, measured in the same turns.
Counted are the matrix products of the layers' shapes alone, 2 operations per multiply-add: forward,
and backward into weights and inputs, but not into the images. Penalties, Adam, biases, losses and
the gathering of batches count as time and not as operations.

The memory is the peak resident set of a process, with PyTorch and its compiler.
"""

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from statistics import median
from typing import Literal

from benchmarks.measure import Row, alternate, publish, quick_folder, row

LAYERS = (784, 64, 32, 10)
IMAGES = 60_000
# Sides of the square matrices; the fastest of so many tries counts.
MATRICES = {"cpu": (512, 1024, 2048), "cuda": (2048, 4096, 8192)}
TRIES = 3
PRODUCT = "best square product"


@dataclass(frozen=True)
class Pack:
    """What one process trains, again and again: ``steps`` batches an epoch."""

    width: int
    batch_size: int
    steps: int
    mode: Literal["compiled", "eager"]
    precision: Literal["highest", "medium"] = "highest"
    device: str = "cpu"


@dataclass(frozen=True)
class Settings:
    """An epoch has ``run_steps`` steps over the width, at least ``least_steps``.

    The best width is measured in precision ``medium`` too, where ``medium`` says so.
    """

    widths: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    run_steps: int
    least_steps: int
    mode: Literal["compiled", "eager"]
    medium: bool
    repeats: int

    def packs(self, batch_size: int, device: str) -> list[Pack]:
        """The packs of all widths."""
        most = IMAGES // batch_size
        return [
            Pack(
                width,
                batch_size,
                min(max(self.run_steps // width, self.least_steps), most),
                self.mode,
                device=device,
            )
            for width in self.widths
        ]


FULL = Settings(
    widths=(1, 2, 4, 8, 16, 32, 64),
    batch_sizes=(10, 128),
    run_steps=6400,
    least_steps=60,
    mode="compiled",
    medium=True,
    repeats=5,
)
QUICK = Settings(
    widths=(2,),
    batch_sizes=(10,),
    run_steps=20,
    least_steps=5,
    mode="eager",
    medium=False,
    repeats=1,
)
# In %, of the best width, in float32.
SHARE_AIMS = {128: 80.0}


@dataclass(frozen=True)
class Measured:
    """Of each pack in each repeat: seconds a run and step. Of each: its peak memory in MiB.

    ``beside`` holds what else was measured in each repeat, the best square product among it.
    """

    seconds: Mapping[Pack, list[float]]
    memory: Mapping[Pack, float]
    beside: Mapping[str, list[float]]

    def best(self) -> Pack:
        """The pack with the least time a run and step."""
        return min(self.seconds, key=lambda pack: median(self.seconds[pack]))

    def rows(self, aim: float | None) -> list[Row]:
        """All as rows; ``aim`` is for the share of the peak, in %, of the best pack."""
        best = self.best()
        kind = f"batch {best.batch_size}, precision {best.precision}"
        peaks = self.beside[PRODUCT]
        rows = [row(f"{kind}: the {PRODUCT}", "GFLOP/s", [peak / 1e9 for peak in peaks])]
        for pack, taken in self.seconds.items():
            name = f"{kind}, width {pack.width}"
            rate = [operations(pack.batch_size) / one for one in taken]
            share = [100 * r / peak for r, peak in zip(rate, peaks, strict=True)]
            rows += [
                row(f"{name}: a run and step", "µs", [1e6 * one for one in taken]),
                row(f"{name}: share of the peak", "%", share, aim if pack == best else None),
                row(f"{name}: memory", "MiB", [self.memory[pack]]),
            ]
        return rows


def operations(batch_size: int) -> int:
    """Floating-point operations of the matrix products of one run's step.

    ``2 * batch * in * out`` for each layer forward and for the gradient of its weights, and once
    more for the gradient of its input in every layer but the first.
    """
    products = [inputs * outputs for inputs, outputs in pairwise(LAYERS)]
    return 2 * batch_size * (3 * sum(products) - products[0])


def step_seconds(pack: Pack) -> float:
    """Train the pack for two epochs in this process; the second one's seconds a run and step."""
    import torch

    from benchmarks.runs import compose_run
    from regsweep.settings.regularizer import L2
    from regsweep.training.load import load_data
    from regsweep.training.pack import train_pack
    from regsweep.training.result import Epoch

    run = compose_run(
        f"data.train_size={pack.steps * pack.batch_size}",
        "data.validation_size=0",
        "trainer.epochs=2",
        f"trainer.batch_size={pack.batch_size}",
        f"trainer.matmul_precision={pack.precision}",
    )
    runs = [
        replace(run, regularizer=L2(10 ** (-6 + 4 * i / pack.width), "weights"))
        for i in range(pack.width)
    ]
    dataset = load_data(run.data, test=False)
    ends: dict[int, float] = {}

    def on_epoch(i: int, epoch: Epoch) -> None:
        ends.setdefault(epoch.epoch, time.perf_counter())

    train_pack(
        runs,
        dataset,
        torch.device(pack.device),
        on_epoch=on_epoch,
        mode=pack.mode,
        width=pack.width,
    )
    return (ends[2] - ends[1]) / (pack.steps * pack.width)


def best_product(pack: Pack) -> float:
    """Operations a second of the best square product at the threads and precision of ``pack``."""
    import torch

    from regsweep.training.pack import numerics

    def product_seconds(matrix: torch.Tensor, out: torch.Tensor) -> float:
        started = time.perf_counter()
        torch.mm(matrix, matrix, out=out)
        if matrix.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - started

    rates = []
    with numerics(pack.precision):
        for side in MATRICES[pack.device]:
            matrix = torch.randn(side, side, device=pack.device)
            out = torch.empty_like(matrix)
            product_seconds(matrix, out)
            fastest = min(product_seconds(matrix, out) for _ in range(TRIES))
            rates.append(2 * side**3 / fastest)
    return max(rates)


def peak_memory(pack: Pack) -> float:
    """The most memory that this process has had so far, in MiB; on CUDA, the GPU's."""
    if pack.device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def measure(
    packs: Sequence[Pack], beside: Mapping[str, Callable[[Pack], float]], repeats: int
) -> Measured:
    """All packs in turn with what is measured ``beside`` them, each in a process of its own.

    The packs are of one batch size, precision and device; ``beside`` is called with the first.
    """
    with ExitStack() as stack:

        def process() -> ProcessPoolExecutor:
            return stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))

        processes = {pack: process() for pack in packs}
        calls: dict[Pack | str, Callable[[], float]] = {
            pack: partial(call, own, step_seconds, pack) for pack, own in processes.items()
        }
        for name, function in beside.items():
            calls[name] = partial(call, process(), function, packs[0])
        for warm_up in calls.values():
            warm_up()
        taken = alternate(calls, repeats)
        return Measured(
            seconds={pack: taken[pack] for pack in packs},
            memory={pack: call(own, peak_memory, pack) for pack, own in processes.items()},
            beside={name: taken[name] for name in beside},
        )


def call(process: ProcessPoolExecutor, function: Callable[[Pack], float], pack: Pack) -> float:
    """``function(pack)`` in ``process``."""
    return process.submit(function, pack).result()


def main() -> None:
    """Measure all widths and both batch sizes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    rows = []
    for batch_size in settings.batch_sizes:
        packs = settings.packs(batch_size, "cpu")
        measured = measure(packs, {PRODUCT: best_product}, settings.repeats)
        rows += measured.rows(SHARE_AIMS.get(batch_size))
        if settings.medium:
            fast = replace(measured.best(), precision="medium")
            rows += measure([fast], {PRODUCT: best_product}, settings.repeats).rows(aim=None)
    publish("width", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
