"""What a network is for: it settles the loss, the score, and what both are called."""

from dataclasses import dataclass

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Task:
    """A task: its ``loss`` of the data is the better the lower, its ``score`` the higher.

    Both are measured on each part of the data, under the names of ``loss_of`` and ``score_of``. A
    score lies in ``score_range``; the error is 1 - score. ``short`` is the score's name where
    there is little room.
    """

    name: str
    loss: str
    score: str
    short: str
    score_range: tuple[float, float]

    def loss_of(self, part: str) -> str:
        """The metric that is the loss on ``train``, ``val`` or ``test``: ``val_loss``."""
        return f"{part}_loss"

    def score_of(self, part: str) -> str:
        """The metric that is the score on ``train``, ``val`` or ``test``: ``val_accuracy``."""
        return f"{part}_{self.score}"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all losses and scores, part by part."""
        return tuple(name for part in PARTS for name in (self.loss_of(part), self.score_of(part)))

    @property
    def history(self) -> tuple[str, ...]:
        """The columns of ``history.csv``: the epoch, its metrics of training and validation."""
        return ("epoch", *self.metrics[:4])


CLASSIFICATION = Task("classification", "cross_entropy", "accuracy", "acc", (0.0, 1.0))
