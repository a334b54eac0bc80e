"""What a network is for: it settles the loss, the score, and what both are called."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PARTS = ("train", "val", "test")
# The column of ``history.csv`` that runs which stop early have, and no others.
STOPPING_LOSS = "stopping_loss"

Loss = Literal["cross_entropy", "bce", "mse"]
# `auto` is what the targets ask for.
LossChoice = Literal["auto", "cross_entropy", "bce", "mse"]
# `auto` is the task's own.
ScoreChoice = Literal["auto", "balanced_accuracy", "roc_auc"]
TaskName = Literal["classification", "binary", "regression"]


@dataclass(frozen=True)
class Score:
    """How good predictions are: 1 at best, ``low`` at worst; the error is 1 - score.

    ``name`` stands in the names of its metrics, ``words`` in sentences, ``short`` where there is
    little room. One that is a share of rows is shown ``in_percent``, any other as a number.
    ``by_batch`` says whether that of an epoch's batches is known from each of them, and ``loss``
    what the loss is that is measured beside it.
    """

    name: str
    words: str
    short: str
    low: float = 0.0
    in_percent: bool = True
    by_batch: bool = True
    loss: str = "mean cross-entropy"

    @property
    def error(self) -> str:
        """What its error is called."""
        return "error" if self.in_percent else f"error (1 - {self.words})"

    def of(self, part: str) -> str:
        """The metric that is the score on ``train``, ``val`` or ``test``: ``val_accuracy``."""
        return f"{part}_{self.name}"

    def shown(self, value: float) -> str:
        """``value`` as a sentence has it: ``91.20 %``, or ``0.482``."""
        return f"{100 * value:.2f} %" if self.in_percent else f"{value:.3f}"


ACCURACY = Score("accuracy", "accuracy", "acc")
BALANCED_ACCURACY = Score("balanced_accuracy", "balanced accuracy", "bal acc", by_batch=False)
ROC_AUC = Score("roc_auc", "ROC AUC", "AUC", in_percent=False, by_batch=False)
R2 = Score(
    "r2",
    "R²",
    "R²",
    low=-math.inf,
    in_percent=False,
    loss="mean squared error, of standardised targets",
)
SCORES: dict[str, Score] = {
    score.name: score for score in (ACCURACY, BALANCED_ACCURACY, ROC_AUC, R2)
}


@dataclass(frozen=True)
class Task:
    """What a network learns to do: its ``loss`` is the better the lower, its ``score`` the higher.

    ``classification`` is telling classes apart, by an output each; ``binary`` is saying yes or no,
    at each output; ``regression`` is predicting a number, at each output.
    """

    name: TaskName
    loss: Loss
    score: Score


TASKS: dict[TaskName, Task] = {
    "classification": Task("classification", "cross_entropy", ACCURACY),
    "binary": Task("binary", "bce", ACCURACY),
    "regression": Task("regression", "mse", R2),
}


def loss_of(part: str) -> str:
    """The metric that is the loss on ``train``, ``val`` or ``test``: ``val_loss``."""
    return f"{part}_loss"


def measures(scores: Iterable[Score], parts: Iterable[str] = PARTS) -> tuple[str, ...]:
    """The names of losses and ``scores``, part by part."""
    scores = tuple(scores)
    return tuple(
        name for part in parts for name in (loss_of(part), *(score.of(part) for score in scores))
    )


def history_columns(scores: Iterable[Score]) -> tuple[str, ...]:
    """The columns of ``history.csv``: the epoch, its metrics of training and validation."""
    return ("epoch", *measures(scores, ("train", "val")))


def scores_in(metrics: Iterable[str]) -> tuple[Score, ...]:
    """The scores that these metrics are of; accuracy where they are of none."""
    known = set(metrics)
    found = (s for s in SCORES.values() if any(s.of(part) in known for part in PARTS))
    return tuple(found) or (ACCURACY,)
