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
    EarlyStopping,
    Elastic,
    GroupLasso,
    MaxNorm,
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
        (Cocktail("all", None, None, None), Coefficients()),
        (Cocktail("all", 0.5, None, None), Coefficients(l1=0.5)),
        (
            Cocktail("all", 0.5, 0.25, 2.0),
            Coefficients(l1=0.5, l2=0.25, decoupled_decay=2.0),
        ),
    ],
    ids=str,
)
def test_coefficients(choice, expected):
    assert choice.coefficients() == expected


def test_every_choice_with_a_weight_is_tested_here():
    without = {"none", "max_norm", "early_stopping", "cocktail"}
    assert WEIGHTED.keys() | without == REGULARIZERS.keys()


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("weight", [-1e-9, math.inf, math.nan])
def test_a_weight_is_finite_and_not_negative(name, weight):
    with pytest.raises(InputError) as caught:
        WEIGHTED[name](weight)

    assert str(caught.value) == (
        f"regularizer.weight={weight}: expected a finite number, 0 or above"
    )


@pytest.mark.parametrize("name", [one.name for one in INGREDIENTS])
@pytest.mark.parametrize("strength", [-1e-9, math.nan])
def test_an_ingredient_is_checked_by_its_own_name(name, strength):
    strengths = {one.name: None for one in INGREDIENTS} | {name: strength}

    with pytest.raises(InputError) as caught:
        Cocktail("weights", **strengths)

    assert str(caught.value).startswith(f"regularizer.{name}={strength}: expected a finite number")


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
