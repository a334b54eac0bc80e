import math

import pytest

from regsweep.errors import InputError
from regsweep.settings.regularizer import (
    L1,
    L2,
    REGULARIZERS,
    Coefficients,
    Dropout,
    Elastic,
    GroupLasso,
    LabelSmoothing,
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
        (GroupLasso(0.5, "all"), Coefficients(group=0.5)),
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
    assert WEIGHTED.keys() | named | {"none"} == REGULARIZERS.keys()


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("weight", [-1e-9, math.inf, math.nan])
def test_a_weight_is_finite_and_not_negative(name, weight):
    with pytest.raises(InputError) as caught:
        WEIGHTED[name](weight)

    assert str(caught.value) == (
        f"regularizer.weight={weight}: expected a finite number, 0 or above"
    )


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
