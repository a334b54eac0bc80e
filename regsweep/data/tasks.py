"""The task that targets and a loss make together."""

from dataclasses import dataclass

import numpy as np

from regsweep.data.own import Array
from regsweep.errors import bad_value
from regsweep.records.task import LossChoice, TaskName

_FEW = 20


@dataclass(frozen=True)
class Targets:
    """What is to be predicted of each row.

    In a ``classification`` ``values`` are int64 (n,), places in ``names``, the classes in their
    order. Otherwise they are float64 (n, outputs): in ``binary`` 0 and 1, of one output whether a
    row is of the second class in ``names``, of several whether it has the labels in ``names``; in
    a ``regression`` numbers, and ``names`` is empty.
    """

    values: Array
    names: tuple[str, ...]
    task: TaskName


def class_targets(
    codes: Array, names: tuple[str, ...], where: str, loss: LossChoice = "auto"
) -> Targets:
    """Targets of which ``codes``, int64 (n,), are places in ``names``; ``where`` names them.

    Raises:
        InputError: the ``loss`` is not one of so many classes.
    """
    if loss == "mse" or (loss == "bce" and len(names) != 2):
        wants = "mse predicts numbers" if loss == "mse" else "bce tells two apart"
        listed = ", ".join(names[:_FEW])
        raise bad_value(
            "loss",
            loss,
            f"cross_entropy or auto: {where} is of {len(names)} classes ({listed}), and {wants}",
        )
    if loss == "bce":
        return Targets(codes[:, None].astype(np.float64), names, "binary")
    return Targets(codes, names, "classification")


def number_targets(values: Array, where: str, loss: LossChoice = "auto") -> Targets:
    """Targets that are numbers, float64 (n, outputs).

    Raises:
        InputError: the ``loss`` is one of classes.
    """
    if loss not in ("auto", "mse"):
        distinct = len(np.unique(values))
        raise bad_value(
            "loss",
            loss,
            f"mse or auto: {where} is {distinct} different numbers in {len(values)} rows, which "
            "are no classes",
        )
    return Targets(values, (), "regression")
