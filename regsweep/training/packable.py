"""Whether a network that is not known by heart may train in packs: it is tried on real rows."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch

from regsweep.data.dataset import Dataset, Examples
from regsweep.errors import InputError, MachineFault, wants_memory
from regsweep.settings.run import Run
from regsweep.training.load import load_data
from regsweep.training.pack import Mode, train_pack
from regsweep.training.result import Result

# Steps that are tried at least, and rows that are taken of each part at most.
STEPS = 60
ROWS = 2_000
# What rounding may make of the losses of that many steps, as a share of them.
ROUNDING = 1e-3
# So many times the seconds that a run takes alone are measured where they do not differ.
NOISE = 1.1


class NotPackable(Exception):
    """Runs are trained alone, for the reason that the message gives."""


def try_packed(run: Run, width: int, device: torch.device, mode: Mode) -> None:
    """Train ``width`` runs like ``run`` together and the first and the last of them alone.

    Once they share a seed, and so their batches, as in a search; once each has its own.

    Raises:
        NotPackable: they do not train together, or have other bits there, on a CPU, or it is
            slower.
        MachineFault: ``torch.compile`` does not work here.
    """
    dataset = _few(load_data(run.data, run.loss, test=False))
    steps = len(dataset.train) // run.trainer.batch_size
    trainer = replace(run.trainer, epochs=math.ceil(STEPS / steps), log_every=None)
    tried = [
        replace(
            run,
            trainer=trainer,
            optimizer=replace(run.optimizer, lr=run.optimizer.lr * (1 + place / width)),
        )
        for place in range(width)
    ]

    def train(runs: Sequence[Run], width: int, mode: Mode, *, alone: bool = False) -> list[Result]:
        return train_pack(runs, dataset, device, mode=mode, width=width, alone=alone)

    try:
        together = train(tried, width, mode)
        narrow = train([tried[0], tried[-1]], width if mode == "compiled" else 2, mode)
        one_by_one = [train([tried[place]], 1, mode)[0] for place in (0, -1)]
        apart = [replace(one, seed=run.seed + place) for place, one in enumerate(tried)]
        # Eagerly: it is the rules of vmap that may differ here, and compiling takes long.
        of_a_pack, by_itself = train(apart, width, "eager")[-1], train(apart[-1:], 1, "eager")[0]
    except (InputError, MachineFault):
        raise
    except Exception as error:
        if wants_memory(error):
            raise
        raise NotPackable(f"torch.func.vmap refuses it ({_line(error)})") from error
    [plain] = train([tried[0]], 1, "eager", alone=True)
    if off := _off(one_by_one[0], plain) or _off(of_a_pack, by_itself):
        raise NotPackable(f"in a pack it computes other losses, off by {off:.1%}")
    if device.type == "cpu":
        same = zip(one_by_one, (together[0], together[-1]), (narrow[0], narrow[-1]), strict=True)
        for alone, *packed in (*same, (by_itself, of_a_pack)):
            if any(not _same_bits(alone, result) for result in packed):
                raise NotPackable("its bits in a pack are not those that it has alone")
    # Once more each, now that all is compiled and warm.
    packed_seconds = min(train(tried, width, mode)[0].seconds for _ in range(2))
    alone_seconds = min(_alone(tried[0], dataset, device, one) for one in {mode, "eager"})
    if packed_seconds >= NOISE * alone_seconds:
        raise NotPackable(
            f"a run of a pack of {width} takes {packed_seconds / alone_seconds:.2f} times as long"
        )


def _alone(run: Run, dataset: Dataset, device: torch.device, mode: Mode) -> float:
    """The seconds that ``run`` takes alone; infinite where it does not compile so."""
    try:
        trained = [train_pack([run], dataset, device, mode=mode, alone=True) for _ in range(3)]
    except MachineFault:
        return math.inf
    return min(result.seconds for [result] in trained)


def _few(dataset: Dataset) -> Dataset:
    def first(examples: Examples | None) -> Examples | None:
        if examples is None:
            return None
        return Examples(examples.inputs[:ROWS], examples.targets[:ROWS])

    train = first(dataset.train)
    assert train is not None
    validation = first(dataset.validation)
    # Any halves will do, as long as none is empty.
    stopping = None if validation is None else torch.arange(len(validation)) % 2 == 1
    return replace(dataset, train=train, validation=validation, stopping=stopping)


def _same_bits(one: Result, other: Result) -> bool:
    return (
        one.history == other.history
        and one.status == other.status
        and all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)
    )


def _off(one: Result, other: Result) -> float:
    """How far the losses of an epoch are apart at most, as a share; 0 where rounding makes it."""
    losses = zip(one.history, other.history, strict=False)
    off = max(abs(a.train_loss - b.train_loss) / abs(b.train_loss or 1.0) for a, b in losses)
    return 0.0 if off <= ROUNDING or math.isnan(off) else off


def _line(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {first:.120}"
