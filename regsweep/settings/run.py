"""One run: a config and a seed, all checked."""

from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, Literal

from regsweep.data.facts import Facts
from regsweep.errors import InputError, bad_value
from regsweep.records.task import SCORES, TASKS, LossChoice, ScoreChoice, Task, TaskName
from regsweep.settings.checks import whole
from regsweep.settings.data import Data, OwnData, Published
from regsweep.settings.model import BuiltIn, Model, is_layers
from regsweep.settings.optimizer import Optimizer
from regsweep.settings.own import OwnModel, OwnRegularizer, Study
from regsweep.settings.regularizer import (
    DROPS,
    INGREDIENTS,
    Cocktail,
    Dropout,
    GroupLasso,
    LabelSmoothing,
    Mixup,
    Regularizer,
)
from regsweep.settings.trainer import Trainer

Objective = Literal["val_loss", "val_error"]
LossWeight = Literal["none", "balanced"]

# Confirm seeds lie above the search seeds, and torch takes 64 bits.
HIGHEST_SEED = 2**62
# float32 holds every whole number up to it.
EXACT = 2**24


@dataclass(frozen=True)
class Run:
    """Everything that a run's result depends on.

    ``loss`` is that of the data; ``auto`` is cross-entropy where they hold classes, binary
    cross-entropy (bce) where they hold several labels, and the squared error (mse) of numbers.
    ``score`` is what predictions are measured by beside it. With ``balanced`` a row of a class
    weighs n / (k n_class) in the loss that is trained on, of n training rows and k classes; the
    losses that are recorded weigh all rows alike.
    """

    seed: int
    objective: Objective
    data: Data
    model: Model
    regularizer: Regularizer | OwnRegularizer
    optimizer: Optimizer
    trainer: Trainer
    loss: LossChoice = "auto"
    score: ScoreChoice = "auto"
    loss_weight: LossWeight = "none"

    def __post_init__(self) -> None:
        whole("seed", self.seed, low=0, high=HIGHEST_SEED)
        mixes_rows = isinstance(self.model, BuiltIn) and self.model.mixes_rows
        if mixes_rows and self.trainer.batch_size == 1:
            raise bad_value(
                "trainer.batch_size",
                1,
                "at least 2: model.norm=batch takes the variance over a batch",
            )
        if isinstance(self.regularizer, Mixup) and self.trainer.batch_size == 1:
            raise bad_value(
                "trainer.batch_size", 1, "at least 2: regularizer=mixup mixes those of a batch"
            )
        flat = isinstance(self.model, BuiltIn) and not self.model.has_hidden_units
        if isinstance(self.regularizer, GroupLasso) and flat:
            raise bad_value("regularizer", "group_lasso", "another, or a network with hidden units")
        if isinstance(self.regularizer, Dropout) and flat:
            _check_p(self.regularizer)
        if isinstance(self.data, Published):
            self.check(self.data.facts)

    def check(self, facts: Facts) -> None:
        """Refuse what data of these ``facts`` do not allow."""
        task = self.task(facts.task)
        if self.loss not in ("auto", task.loss):
            expected = f"auto or {task.loss}, which is that of {task.name}"
            raise bad_value("loss", self.loss, expected)
        if task.name == "regression":
            for key, value, usual in (
                ("score", self.score, "auto"),
                ("loss_weight", self.loss_weight, "none"),
            ):
                if value != usual:
                    raise bad_value(key, value, f"{usual}: the targets are numbers, of no classes")
            if isinstance(self.regularizer, LabelSmoothing):
                raise bad_value(
                    "regularizer",
                    "label_smoothing",
                    "another: the targets are numbers, of no classes",
                )
        if task.name == "binary" and facts.outputs > 1 and self.score == "balanced_accuracy":
            raise bad_value(
                "score", self.score, f"auto or roc_auc: a row has {facts.outputs} labels"
            )
        if isinstance(self.model, OwnModel) and facts.largest is not None:
            _check_inputs(self.regularizer)
        if not isinstance(self.model, OwnModel) and (facts.largest or 0) > EXACT:
            where = next(iter(facts.files), "data")
            raise InputError(
                f"{where}: inputs are whole numbers up to {facts.largest}, and networks that are "
                f"built in take float32, which rounds those above {EXACT}; expected smaller ones, "
                "or floats where rounding does not matter"
            )
        if isinstance(self.model, BuiltIn):
            self.model.layers(facts.shape, facts.outputs)  # refuses inputs that it cannot take
        patience = self.regularizer.coefficients().patience
        if patience not in (None, inf) and 0 in facts.halves:
            raise bad_value(
                "data.validation_size",
                self.data.validation_size,
                "rows enough for two halves (of data.group, if any, whole groups): early stopping "
                "stops by the one and is judged by the other",
            )
        if self.trainer.batch_size > facts.train:
            raise bad_value(
                "trainer.batch_size",
                self.trainer.batch_size,
                f"at most the number of training examples, {facts.train}",
            )

    def idle(self, facts: Facts) -> dict[str, str]:
        """The keys of a cocktail's ingredients that are on and do nothing here, and why."""
        if not isinstance(self.regularizer, Cocktail):
            return {}
        why = {}
        if isinstance(self.model, BuiltIn) and not self.model.has_hidden_units:
            why["dropout"] = "the network has no hidden layers"
        if self.task(facts.task).name == "regression":
            why["label_smoothing"] = "the targets are numbers, of no classes"
        if isinstance(self.model, OwnModel) and facts.largest is not None:
            why["mixup"] = "the inputs are whole numbers, which the network looks up"
        elif self.trainer.batch_size == 1:
            why["mixup"] = "a batch of one example has no other to mix with"
        keys = {one.key: why.get(one.name) for one in INGREDIENTS if self.regularizer.is_on(one)}
        return {key: reason for key, reason in keys.items() if reason}

    @property
    def drops(self) -> bool:
        """Whether its network leaves out, at random, some of what its layers take in."""
        return not self.regularizer.coefficients().mechanisms.isdisjoint(DROPS)

    @property
    def study(self) -> Study | None:
        """The study that has the functions of its choices, where one of them is a study's."""
        own = (self.data, self.model, self.regularizer)
        parts = [part for part in own if isinstance(part, OwnData | OwnModel | OwnRegularizer)]
        return parts[0].study if parts else None

    def task(self, name: TaskName) -> Task:
        """What the network learns on data of the task of this ``name``."""
        task = TASKS[name]
        return task if self.score == "auto" else replace(task, score=SCORES[self.score])

    def steps(self, examples: int) -> int:
        """The optimizer's steps on so many examples: whole batches of all epochs."""
        return self.trainer.epochs * (examples // self.trainer.batch_size)

    def at(self, start: Path) -> "Run":
        """The same run, whose relative paths begin at ``start``, whatever folder trains it."""
        return replace(self, data=self.data.at(start))


def _check_p(choice: Dropout) -> None:
    """Refuse to leave out of hidden layers, where there are none."""
    if choice.p > 0:
        why = "this network has no hidden layers; regularizer.input_p leaves out of its inputs"
        raise bad_value("regularizer.p", choice.p, f"0: {why}")


def _check_inputs(choice: Regularizer | OwnRegularizer) -> None:
    """Refuse what changes inputs that a network of the user's looks up, such as words."""
    why = "the inputs are whole numbers, which a network of your own looks up"
    if isinstance(choice, Mixup):
        raise bad_value("regularizer", "mixup", f"another: {why}")
    if isinstance(choice, Dropout) and choice.input_p > 0:
        raise bad_value("regularizer.input_p", choice.input_p, f"0: {why}")


def tried_by(run: Run) -> str | None:
    """What of ``run`` is to be tried before it trains in packs, as its overrides name it.

    ``None`` where all of it is built in, so that its bits in a pack are known to be those alone.
    """
    model, regularizer = run.model, run.regularizer
    tried = []
    if isinstance(model, OwnModel):
        tried.append(f"model={model.name}")
    elif not is_layers(model):
        tried.append("model.norm=batch")
    if isinstance(regularizer, OwnRegularizer):
        tried.append(f"regularizer={regularizer.name}")
    return " ".join(tried) or None


def fusible(run: Run) -> tuple[Any, ...]:
    """What the runs of a pack share; everything else may differ.

    The data, their loss, the network, the form of the optimizer's update, the trainer (batch size,
    epochs, device, precision), what regularizers do beside a gradient and decay, and a penalty of
    the user's shape the one graph that a step is.
    Seeds, coefficients of the regularizers, numbers of the optimizers and what a schedule makes of
    them are vectors along the runs in it.
    """
    alike = replace(run.trainer, schedule="constant", warmup=0.0)
    penalty = run.regularizer.kind if isinstance(run.regularizer, OwnRegularizer) else None
    learned = run.loss, run.score, run.loss_weight
    mechanisms = run.regularizer.coefficients().mechanisms
    return run.data, learned, run.model, type(run.optimizer), alike, mechanisms, penalty
