"""A cocktail is what its ingredients are, and shares packs whatever it leaves out."""

from itertools import product

import pytest

from regsweep.settings.regularizer import (
    INGREDIENTS,
    L1,
    L2,
    Cocktail,
    Elastic,
    NoRegularizer,
    WeightDecay,
)
from regsweep.settings.run import fusible
from regsweep.training.pack import train_pack
from tests.training.test_pack import CPU, assert_same_result, make_run

NOTHING = {one.name: None for one in INGREDIENTS}


def cocktail(scope="weights", **strengths):
    return Cocktail(scope=scope, **NOTHING | strengths)


FULL = cocktail("all", l1=1e-3, l2=1e-2, weight_decay=1.0)


def test_all_share_a_pack_whatever_they_leave_out():
    strengths = {"l1": 1e-3, "l2": 1e-2, "weight_decay": 1.0}
    subsets = [
        {k: v for k, v in strengths.items() if on[k]}
        for on in (dict(zip(strengths, bits, strict=True)) for bits in product((0, 1), repeat=3))
    ]

    assert len({fusible(make_run(regularizer=cocktail(**one))) for one in subsets}) == 1


@pytest.mark.parametrize(
    ("mixed", "same"),
    [
        (cocktail(), NoRegularizer("weights")),
        (cocktail("all"), NoRegularizer("all")),
        (cocktail(l1=1e-3), L1(1e-3, "weights")),
        (cocktail("all", l2=1e-2), L2(1e-2, "all")),
        (cocktail(weight_decay=1.0), WeightDecay(1.0, True, "weights")),
        (cocktail("all", l1=1e-3, l2=1e-3), Elastic(2e-3, 0.5, "all")),
    ],
    ids=str,
)
def test_one_ingredient_is_that_regularizer_bit_for_bit(digits, mixed, same):
    # Beside one of everything, so that what is left out is really applied as nothing.
    [mine, other] = train_pack([make_run(0, mixed), make_run(0, FULL)], digits, CPU)

    [alone] = train_pack([make_run(0, same)], digits, CPU)
    assert_same_result(mine, alone)
    assert other.metrics != alone.metrics


def test_a_run_is_the_same_at_every_width_and_place(digits):
    others = [cocktail(), cocktail(l1=1e-4), cocktail(l2=1.0, weight_decay=0.1)]
    [alone] = train_pack([make_run(3, FULL)], digits, CPU)

    for width in (2, 5):
        company = [make_run(3 + i % 2, others[i % 3]) for i in range(width - 1)]
        assert_same_result(train_pack([*company, make_run(3, FULL)], digits, CPU)[-1], alone)
        assert_same_result(train_pack([make_run(3, FULL), *company], digits, CPU)[0], alone)
