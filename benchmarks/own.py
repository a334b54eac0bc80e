"""Networks of the user's own: what a run costs packed, alone, and in a plain PyTorch loop.

The networks are those of ``benchmarks.own_networks``: of a table, 30 features wide (breast cancer),
a residual network with batch norm, and one with layer norm, GELU and dropout 0.1, both 128 wide and
of two blocks; of images of 8x8 (digits), two convolutions with group norm. Adam at 1e-3, and an L2
penalty on all parameters. The training rows are repeated until an epoch has enough steps.

Each way has a process of its own on one thread; the processes stay alive and take turns. A value
is the second epoch of a training: its processor time over its steps and its runs, without
validation. On one thread that is the wall time of a machine on which nothing else runs.

- ``packed``: runs that differ in their penalty and share their seed, as the runs of a search do.
- ``alone``: one run, its network computed as it is, its step compiled or eager.
- ``plain``: a loop as users write it, with the rows in memory, a new order every epoch, and fused
  Adam, whose ``weight_decay`` is the penalty. It keeps no losses and measures nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from typing import Literal

import torch

from benchmarks.measure import Row, alternate, publish, quick_folder, ratios, row
from benchmarks.own_networks import DATASETS, NETWORKS
from benchmarks.runs import compose_run
from regsweep.data.dataset import Dataset, Examples
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import L2
from regsweep.settings.run import Run
from regsweep.training.load import load_data
from regsweep.training.pack import Mode, train_pack
from regsweep.training.result import Epoch

PENALTY = 1e-4
LR = 1e-3


@dataclass(frozen=True)
class Way:
    """How a run is trained: in a pack of ``width``, ``alone``, or in the ``plain`` loop."""

    kind: Literal["packed", "alone", "plain"]
    mode: Mode
    width: int = 1

    def __str__(self) -> str:
        """What rows call it."""
        if self.kind == "plain":
            return "plain loop"
        return f"{self.kind}, {self.mode}" + (f", width {self.width}" * (self.kind == "packed"))


@dataclass(frozen=True)
class Work:
    """What one process trains, again and again: ``steps`` batches an epoch and run."""

    network: str
    batch_size: int
    way: Way
    steps: int


@dataclass(frozen=True)
class Settings:
    """An epoch has ``run_steps`` steps over the width."""

    networks: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    ways: tuple[Way, ...]
    run_steps: int
    repeats: int

    def works(self, network: str, batch_size: int) -> list[Work]:
        """All ways to train one network."""
        return [Work(network, batch_size, way, self.run_steps // way.width) for way in self.ways]


PLAIN = Way("plain", "eager")
# How many times as long the plain loop is to take.
AIMS = {"packed": 2.0, "alone": 1.0}
FULL = Settings(
    networks=("batch_norm", "layer_norm", "convolutional"),
    batch_sizes=(32, 128),
    ways=(
        Way("packed", "compiled", 8),
        Way("packed", "compiled", 16),
        Way("packed", "eager", 8),
        Way("alone", "compiled"),
        Way("alone", "eager"),
        PLAIN,
    ),
    run_steps=640,
    repeats=5,
)
QUICK = Settings(
    networks=("batch_norm",),
    batch_sizes=(32,),
    ways=(Way("packed", "eager", 2), Way("alone", "eager"), PLAIN),
    run_steps=8,
    repeats=1,
)


def step_seconds(work: Work) -> float:
    """Train for two epochs in this process; the second one's seconds a run and step."""
    FUNCTIONS["model"][work.network] = NETWORKS[work.network]
    run = replace(
        compose_run(
            "data=sklearn",
            f"data.dataset={DATASETS[work.network]}",
            "trainer.epochs=2",
            f"trainer.batch_size={work.batch_size}",
            f"optimizer.lr={LR}",
        ),
        model=OwnModel(work.network),
    )
    dataset = load_data(run.data, test=False)
    rows = torch.arange(work.steps * work.batch_size) % len(dataset.train)
    examples = Examples(dataset.train.inputs[rows], dataset.train.targets[rows])
    dataset = replace(dataset, train=examples, validation=None)
    train = _plain_epoch if work.way.kind == "plain" else _epoch
    return train(work, run, dataset) / (work.steps * work.way.width)


def _epoch(work: Work, run: Run, dataset: Dataset) -> float:
    """The seconds of the second epoch of ``train_pack``."""
    way = work.way
    runs = [
        replace(run, regularizer=L2(PENALTY * (1 + i / way.width), "all")) for i in range(way.width)
    ]
    ends: dict[int, float] = {}

    def on_epoch(i: int, epoch: Epoch) -> None:
        ends.setdefault(epoch.epoch, time.process_time())

    train_pack(
        runs,
        dataset,
        torch.device("cpu"),
        on_epoch=on_epoch,
        mode=way.mode,
        width=way.width,
        alone=way.kind == "alone",
    )
    return ends[2] - ends[1]


def _plain_epoch(work: Work, run: Run, dataset: Dataset) -> float:
    """The seconds of the second epoch of the loop that users write."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    inputs, targets = dataset.train.inputs, dataset.train.targets
    network = NETWORKS[work.network](dataset.shape, dataset.outputs)
    optimizer = torch.optim.Adam(network.parameters(), LR, weight_decay=2 * PENALTY, fused=True)
    loss_function = torch.nn.CrossEntropyLoss()
    ends = []
    for _ in range(2):
        for batch in torch.split(torch.randperm(len(inputs)), work.batch_size):
            optimizer.zero_grad()
            outputs = network(inputs.index_select(0, batch))
            loss = loss_function(outputs, targets.index_select(0, batch))
            loss.backward()
            optimizer.step()
        ends.append(time.process_time())
    return ends[1] - ends[0]


def measure(works: list[Work], repeats: int) -> list[Row]:
    """All ways to train one network, in turn; the plain loop is among them."""
    with ExitStack() as stack:

        def call_in_a_process(work: Work) -> Callable[[], float]:
            pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            process = stack.enter_context(pool)
            return lambda: process.submit(step_seconds, work).result()

        calls = {work.way: call_in_a_process(work) for work in works}
        for warm_up in calls.values():
            warm_up()
        taken = alternate(calls, repeats)
    name = f"{works[0].network}, batch {works[0].batch_size}"
    costs = [row(f"{name}: {way}", "µs", [1e6 * one for one in taken[way]]) for way in calls]
    times = [
        row(f"{name}: plain loop over {way}", "x", ratios(taken[PLAIN], taken[way]), AIMS[way.kind])
        for way in calls
        if way != PLAIN
    ]
    return costs + times


def main() -> None:
    """Measure all networks at both batch sizes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    rows = []
    for network in settings.networks:
        for batch_size in settings.batch_sizes:
            rows += measure(settings.works(network, batch_size), settings.repeats)
    publish("own", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
