"""The regularizers: one object with other coefficients, so that all share a pack.

    loss = cross_entropy + l1 * sum |w| + l2 * sum w^2

and the optimizer adds ``weight_decay * w`` to the gradient (coupled, Adam's own
``weight_decay``) or shrinks the weights by ``lr * decoupled_decay * w`` (AdamW; Loshchilov and
Hutter, 2019). ``scope`` says what ``w`` ranges over: ``weights``, or ``all``, which adds biases
and the scales and shifts of norms. With ``exact`` no gradient of ``l1 * sum |w|`` is taken: its
proximal step follows that of the optimizer, and gives weights of 0. So it does with
``group * sum over units of sqrt(fan_in) * |incoming weights|_2``, which leaves out whole units.

Others change what a step sees, and not its weights: ``smoothing`` the targets, ``alpha`` the
examples, ``p`` and ``input_p`` what the layers take in.

To add a regularizer: a class here, its line in ``REGULARIZERS``, and
``conf/regularizer/<name>.yaml``.
"""

from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from regsweep.settings.checks import below_1, fraction, non_negative

Scope = Literal["weights", "all"]
# The mechanisms of dropout, which draw as a network computes.
DROPS = ("p", "input_p")


@dataclass(frozen=True)
class Coefficients:
    """What the training core knows of a regularizer; 0 switches a term off.

    ``exact`` takes the term of l1 by its proximal step. What is ``None`` a step does not do at all,
    and what is 0 it does without an effect: ``group``, ``smoothing`` of targets, mixing examples
    by ``alpha``, dropping what hidden layers take in with probability ``p``, inputs with
    ``input_p``.
    """

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    decoupled_decay: float = 0.0
    exact: bool = False
    group: float | None = None
    smoothing: float | None = None
    alpha: float | None = None
    p: float | None = None
    input_p: float | None = None

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


@dataclass(frozen=True)
class LabelSmoothing:
    """Targets that leave some doubt, in the loss that is trained on (Szegedy et al., 2016).

    Of k classes, ``(1 - amount) * onehot + amount / k``; of labels, ``(1 - amount) * t + amount /
    2``. Numbers have none. Recorded losses are those of the targets as they are. Where classes
    weigh alike (``loss_weight``), an example weighs as its own class does.
    """

    amount: float
    scope: ClassVar[Scope] = "weights"  # there are no terms that it could be of

    def __post_init__(self) -> None:
        below_1("regularizer.amount", self.amount)

    def coefficients(self) -> Coefficients:
        """smoothing = amount."""
        return Coefficients(smoothing=self.amount)


@dataclass(frozen=True)
class Mixup:
    """Each example of a batch mixed with another one of it (Zhang et al., 2018).

    A batch trains on ``lam x + (1 - lam) x'`` by ``lam * loss(y) + (1 - lam) * loss(y')``, with one
    lam ~ Beta(alpha, alpha) for the batch, and x' its examples in another order; alpha 0 mixes
    nothing. Both are drawn from the run's own stream. No batch holds an example as it is, so the
    training loss and score of an epoch are measured after it, on the training rows; the loss of a
    batch, where it is logged, is that of the mixed ones.
    """

    alpha: float
    scope: ClassVar[Scope] = "weights"  # there are no terms that it could be of

    def __post_init__(self) -> None:
        non_negative("regularizer.alpha", self.alpha)

    def coefficients(self) -> Coefficients:
        """alpha = alpha."""
        return Coefficients(alpha=self.alpha)


@dataclass(frozen=True)
class Dropout:
    """In training, numbers left out at random, and the others larger (Srivastava et al., 2014).

    What a layer takes in is 0 with probability ``p``, else divided by 1 - p: behind each activation
    of mlp, behind each pooling of cnn, each number by itself. In a network of the user's ``p`` is
    that of its own dropout. The inputs of the network are left out with ``input_p``. What is left
    out is drawn from the run's own stream, anew in every step.
    """

    p: float
    input_p: float
    scope: ClassVar[Scope] = "weights"  # there are no terms that it could be of

    def __post_init__(self) -> None:
        below_1("regularizer.p", self.p)
        below_1("regularizer.input_p", self.input_p)

    def coefficients(self) -> Coefficients:
        """p = p, and input_p = input_p, off at 0: it costs more than that of all hidden layers."""
        return Coefficients(p=self.p, input_p=self.input_p or None)


Regularizer = (
    NoRegularizer | L1 | L2 | Elastic | WeightDecay | GroupLasso | LabelSmoothing | Mixup | Dropout
)

REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": NoRegularizer,
    "l1": L1,
    "l2": L2,
    "elastic": Elastic,
    "weight_decay": WeightDecay,
    "group_lasso": GroupLasso,
    "label_smoothing": LabelSmoothing,
    "mixup": Mixup,
    "dropout": Dropout,
}
