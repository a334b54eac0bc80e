"""What a worker process does: it trains packs."""

from dataclasses import dataclass
from pathlib import Path

import torch

from regsweep.data.dataset import Dataset, load_dataset
from regsweep.errors import machine_fault
from regsweep.jobs.environment import now
from regsweep.settings.data import Data
from regsweep.settings.run import Run
from regsweep.training.pack import Mode, train_pack
from regsweep.training.result import BatchLoss, Result


@dataclass(frozen=True)
class Pack:
    """Runs to train as one, and what ``train_pack`` needs beside them.

    ``jobs`` are the numbers of the runs' jobs in the sweep; ``root`` is where the data lies;
    ``test`` says whether the test set is loaded; a compiled pack is filled up to ``width`` runs.
    """

    jobs: tuple[int, ...]
    runs: tuple[Run, ...]
    root: Path
    test: bool
    device: str
    mode: Mode
    width: int


@dataclass(frozen=True)
class Trained:
    """The result of one run, and the losses of its batches where ``trainer.log_every`` asks.

    ``started`` is when its pack was begun, in UTC.
    """

    result: Result
    batches: tuple[BatchLoss, ...]
    started: str


def train(pack: Pack) -> list[Trained]:
    """Train ``pack``, the results in the order of its runs.

    Raises:
        MachineFault: the machine stands in the way, not a run.
    """
    started = now()
    batches: list[BatchLoss] = []
    try:
        results = train_pack(
            pack.runs,
            load_data(pack.runs[0].data, pack.root, pack.test),
            torch.device(pack.device),
            on_batch=batches.append,
            mode=pack.mode,
            width=pack.width,
        )
    except Exception as error:
        # Told here: what caused an error does not come along from one process to another.
        if fault := machine_fault(error):
            raise fault from error
        raise
    return [
        Trained(result, tuple(batch for batch in batches if batch.run == i), started)
        for i, result in enumerate(results)
    ]


def load_data(data: Data, root: Path, test: bool) -> Dataset:
    """The examples that ``data`` names, read from ``root`` once a process."""
    return load_dataset(
        data.name,
        root,
        validation_size=data.validation_size,
        train_size=data.train_size,
        split_seed=data.split_seed,
        test=test,
    )
