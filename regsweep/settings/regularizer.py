"""The regularizers: one object with other coefficients, so that all share a pack.

    loss = cross_entropy + l1 * sum |w| + l2 * sum w^2

and the optimizer adds ``weight_decay * w`` to the gradient (coupled, Adam's own
``weight_decay``) or shrinks the weights by ``lr * decoupled_decay * w`` (AdamW; Loshchilov and
Hutter, 2019). ``scope`` says what ``w`` ranges over: ``weights``, or ``all``, which adds biases
and the scales and shifts of norms. With ``exact`` no gradient of ``l1 * sum |w|`` is taken: its
proximal step follows that of the optimizer, and gives weights of 0. So it does with
``group * sum over units of sqrt(fan_in) * |incoming weights|_2``, which leaves out whole units.

To add a regularizer: a class here, its line in ``REGULARIZERS``, and
``conf/regularizer/<name>.yaml``.
"""

from dataclasses import dataclass, fields
from typing import Literal

from regsweep.settings.checks import fraction, non_negative

Scope = Literal["weights", "all"]


@dataclass(frozen=True)
class Coefficients:
    """What the training core knows of a regularizer; 0 switches a term off.

    ``exact`` takes the term of l1 by its proximal step; ``group`` is ``None`` where there are no
    groups.
    """

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    decoupled_decay: float = 0.0
    exact: bool = False
    group: float | None = None

    @property
    def gives_zeros(self) -> bool:
        """Whether weights become exactly 0."""
        return self.exact or self.group is not None

    @property
    def mechanisms(self) -> frozenset[str]:
        """What a step does beside following a gradient and decaying; the runs of a pack share it.

        These are the fields that are switched on, however strong the regularizer is.
        """
        named = {one.name: (one.default, getattr(self, one.name)) for one in fields(self)}
        return frozenset(
            name for name, (default, value) in named.items() if _off(default) and not _off(value)
        )


def _off(value: object) -> bool:
    return value is None or value is False


@dataclass(frozen=True)
class NoRegularizer:
    """No penalty at all; ``scope`` is there because every choice has it."""

    scope: Scope

    def coefficients(self) -> Coefficients:
        """All 0."""
        return Coefficients()


@dataclass(frozen=True)
class L1:
    """``weight * sum |w|``, the lasso penalty (Tibshirani, 1996)."""

    weight: float
    scope: Scope
    exact: bool = False

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)

    def coefficients(self) -> Coefficients:
        """l1 = weight."""
        return Coefficients(l1=self.weight, exact=self.exact)


@dataclass(frozen=True)
class L2:
    """``weight * sum w^2``, the ridge penalty (Hoerl and Kennard, 1970)."""

    weight: float
    scope: Scope

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)

    def coefficients(self) -> Coefficients:
        """l2 = weight."""
        return Coefficients(l2=self.weight)


@dataclass(frozen=True)
class Elastic:
    """Both penalties, mixed by ``l1_ratio`` in [0, 1] (Zou and Hastie, 2005)."""

    weight: float
    l1_ratio: float
    scope: Scope
    exact: bool = False

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)
        fraction("regularizer.l1_ratio", self.l1_ratio)

    def coefficients(self) -> Coefficients:
        """l1 = weight * l1_ratio, l2 = weight * (1 - l1_ratio)."""
        l1 = self.weight * self.l1_ratio
        return Coefficients(l1=l1, l2=self.weight * (1 - self.l1_ratio), exact=self.exact)


@dataclass(frozen=True)
class WeightDecay:
    """Decay in the optimizer; coupled decay under Adam is l2 at half the weight."""

    weight: float
    decoupled: bool
    scope: Scope

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)

    def coefficients(self) -> Coefficients:
        """decoupled_decay = weight, or weight_decay = weight."""
        if self.decoupled:
            return Coefficients(decoupled_decay=self.weight)
        return Coefficients(weight_decay=self.weight)


@dataclass(frozen=True)
class GroupLasso:
    """``weight * sum sqrt(fan_in) * |w|_2`` over the hidden units (Yuan and Lin, 2006).

    ``w`` are a unit's incoming weights; each bias, scale and shift is a group of its own. The
    output layer is left alone.
    """

    weight: float
    scope: Scope

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)

    def coefficients(self) -> Coefficients:
        """group = weight."""
        return Coefficients(group=self.weight)


Regularizer = NoRegularizer | L1 | L2 | Elastic | WeightDecay | GroupLasso

REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": NoRegularizer,
    "l1": L1,
    "l2": L2,
    "elastic": Elastic,
    "weight_decay": WeightDecay,
    "group_lasso": GroupLasso,
}
