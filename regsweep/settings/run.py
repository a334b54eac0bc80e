"""One run: a config and a seed, all checked."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from regsweep.data.facts import Facts
from regsweep.errors import bad_value
from regsweep.records.task import TASKS, LossChoice, Task
from regsweep.settings.checks import whole
from regsweep.settings.data import Data, Published
from regsweep.settings.model import CNN, Model
from regsweep.settings.optimizer import Optimizer
from regsweep.settings.regularizer import Regularizer
from regsweep.settings.trainer import Trainer

Objective = Literal["val_loss", "val_error"]

# Confirm seeds lie above the search seeds, and torch takes 64 bits.
HIGHEST_SEED = 2**62


@dataclass(frozen=True)
class Run:
    """Everything that a run's result depends on.

    ``loss`` is that of the data; ``auto`` is cross-entropy where they hold classes, binary
    cross-entropy (bce) where they hold several labels, and the squared error (mse) of numbers.
    """

    seed: int
    objective: Objective
    data: Data
    model: Model
    regularizer: Regularizer
    optimizer: Optimizer
    trainer: Trainer
    loss: LossChoice = "auto"

    def __post_init__(self) -> None:
        whole("seed", self.seed, low=0, high=HIGHEST_SEED)
        if isinstance(self.data, Published):
            self.check(self.data.facts)

    def check(self, facts: Facts) -> None:
        """Refuse what data of these ``facts`` do not allow."""
        if self.loss not in ("auto", self.task(facts).loss):
            raise bad_value(
                "loss",
                self.loss,
                f"auto or {self.task(facts).loss}: there are {facts.outputs} classes",
            )
        if isinstance(self.model, CNN):
            self.model.check_shape(facts.shape)
        if self.trainer.batch_size > facts.train:
            raise bad_value(
                "trainer.batch_size",
                self.trainer.batch_size,
                f"at most the number of training examples, {facts.train}",
            )

    def task(self, facts: Facts) -> Task:
        """What the network learns on data of these ``facts``."""
        return TASKS[facts.task]

    def steps(self, examples: int) -> int:
        """The optimizer's steps on so many examples: whole batches of all epochs."""
        return self.trainer.epochs * (examples // self.trainer.batch_size)

    def at(self, start: Path) -> "Run":
        """The same run, whose relative paths begin at ``start``, whatever folder trains it."""
        return replace(self, data=self.data.at(start))


def fusible(run: Run) -> tuple[Any, ...]:
    """What the runs of a pack share; everything else may differ.

    The data, their loss, the layers, the form of the optimizer's update and the trainer (batch
    size, epochs, device, precision) shape the one graph that a step is. Seeds, coefficients of the
    regularizers, numbers of the optimizers and what a schedule makes of them are vectors along the
    runs in it.
    """
    alike = replace(run.trainer, schedule="constant", warmup=0.0)
    return run.data, run.loss, run.model, type(run.optimizer), alike
