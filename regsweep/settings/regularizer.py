"""The regularizers: one object with other coefficients, so that all share a pack.

    loss = cross_entropy + l1 * sum |w| + l2 * sum w^2

and the optimizer adds ``weight_decay * w`` to the gradient (coupled, Adam's own
``weight_decay``) or shrinks the weights by ``lr * decoupled_decay * w`` (AdamW; Loshchilov and
Hutter, 2019). ``scope`` says what ``w`` ranges over: ``weights``, or ``all``, which adds biases
and the scales and shifts of norms. With ``exact`` no gradient of ``l1 * sum |w|`` is taken: its
proximal step follows that of the optimizer, and gives weights of 0. So it does with
``group * sum over units of sqrt(fan_in) * |incoming weights|_2``, which leaves out whole units.
``bound`` is the largest norm that a unit's incoming weights may have behind a step. ``patience`` is
how many epochs a run waits for a better one.

Others change what a step sees, and not its weights: ``smoothing`` the targets, ``alpha`` the
examples, ``p`` and ``input_p`` what the layers take in.

To add a regularizer: a class here, its line in ``REGULARIZERS``, and
``conf/regularizer/<name>.yaml``. To have it in the cocktail: a field there, its line in
``INGREDIENTS``, and its default and search in ``conf/regularizer/cocktail.yaml``.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from math import inf
from typing import Any, ClassVar, Literal

from regsweep.errors import bad_value
from regsweep.settings.checks import below_1, fraction, non_negative, positive, whole

Scope = Literal["weights", "all"]
# The mechanisms of dropout, which draw as a network computes.
DROPS = ("p", "input_p")


@dataclass(frozen=True)
class Coefficients:
    """What the training core knows of a regularizer; 0 switches a term off.

    ``steady_decay`` is decoupled decay that does not shrink with the learning rate. ``exact`` takes
    the term of l1 by its proximal step. What is ``None`` a step does not do at all: ``group``, a
    ``bound`` of norms, stopping behind ``patience`` epochs, ``smoothing`` of targets, mixing
    examples by ``alpha``, dropping what hidden layers take in with probability ``p``, inputs with
    ``input_p``. A bound or a patience of infinity, and 0 of the others, it does without an effect.
    """

    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    decoupled_decay: float = 0.0
    steady_decay: float = 0.0
    exact: bool = False
    group: float | None = None
    bound: float | None = None
    patience: float | None = None
    smoothing: float | None = None
    alpha: float | None = None
    p: float | None = None
    input_p: float | None = None

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
    """Decay in the optimizer; coupled decay under Adam is l2 at half the weight.

    Decoupled, a step takes ``lr_t * weight * w`` of a weight, as AdamW does; not ``lr_scaled``,
    ``s_t * weight * w``, with the schedule's share s_t = lr_t / lr_0: then the decay is the same at
    every ``optimizer.lr`` (Loshchilov and Hutter, 2019, algorithm 2).
    """

    weight: float
    decoupled: bool
    scope: Scope
    lr_scaled: bool = True

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)
        if self.lr_scaled:
            return
        if not self.decoupled:
            raise bad_value(
                "regularizer.lr_scaled",
                False,
                "true, or regularizer.decoupled=true: coupled decay is part of the gradient, which "
                "the learning rate scales",
            )
        if self.weight > 1:
            raise bad_value(
                "regularizer.weight",
                self.weight,
                "at most 1 with regularizer.lr_scaled=false, as each step takes so large a share "
                "of a weight; to search it: 'regularizer.weight=tag(log, interval(1e-6, 1e-2))'",
            )

    def coefficients(self) -> Coefficients:
        """decoupled_decay = weight, steady_decay = weight, or weight_decay = weight."""
        if not self.decoupled:
            return Coefficients(weight_decay=self.weight)
        if not self.lr_scaled:
            return Coefficients(steady_decay=self.weight)
        return Coefficients(decoupled_decay=self.weight)


@dataclass(frozen=True)
class GroupLasso:
    """``weight * sum sqrt(fan_in) * |w|_2`` over the hidden units (Yuan and Lin, 2006).

    ``w`` are a unit's incoming weights; each bias, scale and shift is a group of its own. The
    output layer is left alone. In a network of the user's, units are the rows of every parameter of
    two or more dimensions, so that of an embedding each vector is one.
    """

    weight: float
    scope: Scope

    def __post_init__(self) -> None:
        non_negative("regularizer.weight", self.weight)

    def coefficients(self) -> Coefficients:
        """group = weight."""
        return Coefficients(group=self.weight)


@dataclass(frozen=True)
class MaxNorm:
    """The norm of each unit's incoming weights is at most ``bound`` (Srivastava et al., 2014).

    Of every layer, the output's too; of a parameter of two or more dimensions the first counts the
    units, so that of an embedding each vector is bounded. Biases are free.
    """

    bound: float
    scope: ClassVar[Scope] = "weights"

    def __post_init__(self) -> None:
        positive("regularizer.bound", self.bound)

    def coefficients(self) -> Coefficients:
        """The bound."""
        return Coefficients(bound=self.bound)


@dataclass(frozen=True)
class EarlyStopping:
    """The weights of the best epoch are kept; ``patience`` epochs behind it the run ends.

    The best epoch is that of the least loss on one half of the validation rows. The other half
    judges: all validation metrics are its own, as the least of many losses looks better than it is
    (Prechelt, 1998).
    """

    patience: int
    scope: ClassVar[Scope] = "weights"

    def __post_init__(self) -> None:
        whole("regularizer.patience", self.patience, low=1)

    def coefficients(self) -> Coefficients:
        """The patience."""
        return Coefficients(patience=float(self.patience))


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


@dataclass(frozen=True)
class Ingredient:
    """A key of the cocktail: the coefficient that it is, its value that does nothing, its check."""

    name: str
    coefficient: str
    nothing: float
    check: Callable[[str, Any], None]

    @property
    def key(self) -> str:
        """The key of the config that sets it."""
        return f"regularizer.{self.name}"


INGREDIENTS = (
    Ingredient("l1", "l1", 0.0, non_negative),
    Ingredient("l2", "l2", 0.0, non_negative),
    Ingredient("weight_decay", "decoupled_decay", 0.0, non_negative),
    Ingredient("dropout", "p", 0.0, below_1),
    Ingredient("label_smoothing", "smoothing", 0.0, below_1),
    Ingredient("mixup", "alpha", 0.0, non_negative),
    Ingredient("max_norm", "bound", inf, positive),
    Ingredient("early_stopping", "patience", inf, partial(whole, low=1)),
)


@dataclass(frozen=True)
class Cocktail:
    """Several at once, each ingredient with its own strength or, as ``None``, left out.

    Searched together they may do what none does alone (Kadra et al., 2021, "Well-tuned simple nets
    excel on tabular datasets"). Decay is decoupled. Group lasso is no ingredient: its proximal step
    nearly doubles what a step costs, which all cocktails would pay. What an ingredient has no use
    for it leaves as it is: dropout a network without hidden layers, or of one's own without
    dropout, label smoothing targets that are numbers, mixup inputs that are looked up. That is said
    before it trains. All validation metrics are of the rows that judge where early stopping is on.
    """

    scope: Scope
    l1: float | None
    l2: float | None
    weight_decay: float | None
    dropout: float | None
    label_smoothing: float | None
    mixup: float | None
    max_norm: float | None
    early_stopping: int | None

    def __post_init__(self) -> None:
        for one in INGREDIENTS:
            strength = getattr(self, one.name)
            if strength is not None:
                one.check(one.key, strength)

    def is_on(self, ingredient: Ingredient) -> bool:
        """Whether it is neither left out nor of a strength that does nothing."""
        return getattr(self, ingredient.name) not in (None, ingredient.nothing)

    def coefficients(self) -> Coefficients:
        """Each ingredient's; of one that is left out, the value that does nothing.

        So the mechanisms are the same whatever is left out: all cocktails share a pack.
        """
        values: dict[str, Any] = {}
        for one in INGREDIENTS:
            strength = getattr(self, one.name)
            values[one.coefficient] = one.nothing if strength is None else strength
        return Coefficients(**values)


Regularizer = (
    NoRegularizer
    | L1
    | L2
    | Elastic
    | WeightDecay
    | GroupLasso
    | MaxNorm
    | EarlyStopping
    | LabelSmoothing
    | Mixup
    | Dropout
    | Cocktail
)

REGULARIZERS: dict[str, type[Regularizer]] = {
    "none": NoRegularizer,
    "l1": L1,
    "l2": L2,
    "elastic": Elastic,
    "weight_decay": WeightDecay,
    "group_lasso": GroupLasso,
    "max_norm": MaxNorm,
    "early_stopping": EarlyStopping,
    "label_smoothing": LabelSmoothing,
    "mixup": Mixup,
    "dropout": Dropout,
    "cocktail": Cocktail,
}
