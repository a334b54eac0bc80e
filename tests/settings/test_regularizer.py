import math

import pytest

from regsweep.errors import InputError
from regsweep.settings.regularizer import (
    INGREDIENTS,
    L1,
    L2,
    REGULARIZERS,
    Cocktail,
    Coefficients,
    Dropout,
    EarlyStopping,
    Elastic,
    GroupLasso,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    NoRegularizer,
    WeightDecay,
)

WEIGHTED = {
    "l1": lambda w: L1(w, "weights"),
    "l2": lambda w: L2(w, "weights"),
    "elastic": lambda w: Elastic(w, 0.5, "weights"),
    "weight_decay": lambda w: WeightDecay(w, True, "weights"),
    "group_lasso": lambda w: GroupLasso(w, "weights"),
}
BELOW_1 = "a number from 0 to below 1"
# By the key: its choice, and what is expected of it.
OTHERS = {
    "amount": ("label_smoothing", LabelSmoothing, BELOW_1),
    "alpha": ("mixup", Mixup, "a finite number, 0 or above"),
    "p": ("dropout", lambda p: Dropout(p, 0.0), BELOW_1),
    "input_p": ("dropout", lambda p: Dropout(0.2, p), BELOW_1),
}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (NoRegularizer("all"), Coefficients()),
        (L1(0.5, "all"), Coefficients(l1=0.5)),
        (L1(0.5, "all", exact=True), Coefficients(l1=0.5, exact=True)),
        (L2(0.5, "all"), Coefficients(l2=0.5)),
        (Elastic(2.0, 0.25, "all"), Coefficients(l1=0.5, l2=1.5)),
        (Elastic(2.0, 0.25, "all", True), Coefficients(l1=0.5, l2=1.5, exact=True)),
        (WeightDecay(0.5, False, "all"), Coefficients(weight_decay=0.5)),
        (WeightDecay(0.5, True, "all"), Coefficients(decoupled_decay=0.5)),
        (WeightDecay(0.5, True, "all", lr_scaled=False), Coefficients(steady_decay=0.5)),
        (GroupLasso(0.5, "all"), Coefficients(group=0.5)),
        (MaxNorm(2.0), Coefficients(bound=2.0)),
        (EarlyStopping(3), Coefficients(patience=3.0)),
        (LabelSmoothing(0.1), Coefficients(smoothing=0.1)),
        (Mixup(0.4), Coefficients(alpha=0.4)),
        (Dropout(0.5, 0.2), Coefficients(p=0.5, input_p=0.2)),
        (Dropout(0.0, 0.0), Coefficients(p=0.0)),
    ],
    ids=str,
)
def test_coefficients(choice, expected):
    assert choice.coefficients() == expected


def test_every_choice_with_a_strength_is_tested_here():
    named = {name for name, _, _ in OTHERS.values()}
    assert (
        WEIGHTED.keys() | named | {"none", "max_norm", "early_stopping", "cocktail"}
        == REGULARIZERS.keys()
    )


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("weight", [-1e-9, math.inf, math.nan])
def test_a_weight_is_finite_and_not_negative(name, weight):
    with pytest.raises(InputError) as caught:
        WEIGHTED[name](weight)

    assert str(caught.value) == (
        f"regularizer.weight={weight}: expected a finite number, 0 or above"
    )


@pytest.mark.parametrize("name", [one.name for one in INGREDIENTS])
def test_an_ingredient_is_checked_by_its_own_name(name):
    strengths = {one.name: None for one in INGREDIENTS} | {name: -1}

    with pytest.raises(InputError) as caught:
        Cocktail("weights", **strengths)

    assert str(caught.value).startswith(f"regularizer.{name}=-1: expected a ")


def test_an_ingredient_is_its_coefficient_and_left_out_it_does_nothing():
    none = {one.name: None for one in INGREDIENTS}
    neutral = {
        "p": 0.0, "smoothing": 0.0, "alpha": 0.0, "bound": math.inf, "patience": math.inf,
    }  # fmt: skip

    assert Cocktail("all", **none).coefficients() == Coefficients(**neutral)
    mixed = Cocktail("all", **none | {"l1": 0.5, "dropout": 0.2, "early_stopping": 3})
    expected = neutral | {"l1": 0.5, "p": 0.2, "patience": 3}
    assert mixed.coefficients() == Coefficients(**expected)


@pytest.mark.parametrize("key", OTHERS)
@pytest.mark.parametrize("value", [-1e-9, 1.0, math.inf, math.nan])
def test_other_strengths_have_bounds(key, value):
    _, choice, expected = OTHERS[key]
    if key == "alpha" and value == 1:
        assert choice(value).coefficients() == Coefficients(alpha=1.0)
        return
    with pytest.raises(InputError) as caught:
        choice(value)

    assert str(caught.value) == f"regularizer.{key}={value}: expected {expected}"


@pytest.mark.parametrize("ratio", [-0.1, 1.1, math.nan])
def test_l1_ratio_is_a_fraction(ratio):
    with pytest.raises(InputError) as caught:
        Elastic(1.0, ratio, "weights")

    assert str(caught.value) == f"regularizer.l1_ratio={ratio}: expected a number from 0 to 1"


@pytest.mark.parametrize("bound", [0.0, -1.0, math.inf, math.nan])
def test_a_bound_is_finite_and_above_0(bound):
    with pytest.raises(InputError) as caught:
        MaxNorm(bound)

    assert str(caught.value) == f"regularizer.bound={bound}: expected a finite number above 0"


def test_patience_is_an_epoch_or_more():
    with pytest.raises(InputError) as caught:
        EarlyStopping(0)

    assert str(caught.value) == "regularizer.patience=0: expected a whole number, 1 or above"


@pytest.mark.parametrize(
    ("weight", "decoupled", "message"),
    [
        (0.5, False, "regularizer.lr_scaled=False: expected true, or regularizer.decoupled=true: "),
        (1.5, True, "regularizer.weight=1.5: expected at most 1 with regularizer.lr_scaled=false"),
    ],
)
def test_decay_that_does_not_follow_the_learning_rate_has_its_limits(weight, decoupled, message):
    with pytest.raises(InputError) as caught:
        WeightDecay(weight, decoupled, "all", lr_scaled=False)

    assert str(caught.value).startswith(message)
