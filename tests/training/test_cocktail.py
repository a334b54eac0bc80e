"""A cocktail is what its ingredients are, and shares packs whatever it leaves out."""

import logging
from dataclasses import replace
from itertools import compress, product

import pytest
import torch
from torch import nn

from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import (
    INGREDIENTS,
    L1,
    L2,
    Cocktail,
    Dropout,
    EarlyStopping,
    Elastic,
    LabelSmoothing,
    MaxNorm,
    Mixup,
    NoRegularizer,
    WeightDecay,
)
from regsweep.settings.run import fusible
from regsweep.training.network import network_of
from regsweep.training.own_check import check_own
from regsweep.training.pack import train_pack
from tests.training.test_own_check import CANCER, Net
from tests.training.test_pack import CPU, assert_same_result, make_run

NOTHING = {one.name: None for one in INGREDIENTS}


def cocktail(scope="weights", **strengths):
    return Cocktail(scope=scope, **NOTHING | strengths)


STRENGTHS = {
    "l1": 1e-3,
    "l2": 1e-2,
    "weight_decay": 1.0,
    "dropout": 0.3,
    "label_smoothing": 0.1,
    "mixup": 0.4,
    "max_norm": 1.0,
    "early_stopping": 1,
}
FULL = cocktail("all", **STRENGTHS)


def test_all_share_a_pack_whatever_they_leave_out():
    kinds = {
        fusible(make_run(regularizer=cocktail(**dict(compress(STRENGTHS.items(), on)))))
        for on in product((0, 1), repeat=len(STRENGTHS))
    }

    assert STRENGTHS.keys() == NOTHING.keys()
    assert len(kinds) == 1


@pytest.mark.parametrize(
    ("mixed", "same"),
    [
        (cocktail(), NoRegularizer("weights")),
        (cocktail("all"), NoRegularizer("all")),
        (cocktail(l1=1e-3), L1(1e-3, "weights")),
        (cocktail("all", l2=1e-2), L2(1e-2, "all")),
        (cocktail(weight_decay=1.0), WeightDecay(1.0, True, "weights")),
        (cocktail("all", l1=1e-3, l2=1e-3), Elastic(2e-3, 0.5, "all")),
        (cocktail(dropout=0.3), Dropout(0.3, 0.0)),
        (cocktail(label_smoothing=0.1), LabelSmoothing(0.1)),
        (cocktail(mixup=0.4), Mixup(0.4)),
        (cocktail(max_norm=1.0), MaxNorm(1.0)),
        (cocktail(early_stopping=1), EarlyStopping(1)),
    ],
    ids=str,
)
def test_one_ingredient_is_that_regularizer_bit_for_bit(digits, mixed, same):
    # Beside one of everything, so that what is left out is really applied as nothing.
    [mine, other] = train_pack([make_run(0, mixed), make_run(0, FULL)], digits, CPU)

    [alone] = train_pack([make_run(0, same)], digits, CPU)
    for name, value in alone.weights.items():
        assert torch.equal(mine.weights[name], value)
    for metric in ("test_loss", "test_accuracy", "penalty"):
        assert mine.metrics[metric] == alone.metrics[metric]
    assert other.metrics["test_loss"] != alone.metrics["test_loss"]


def test_a_run_is_the_same_at_every_width_and_place(digits):
    others = [cocktail(), cocktail(l1=1e-4), cocktail(l2=1.0, weight_decay=0.1)]
    [alone] = train_pack([make_run(3, FULL)], digits, CPU)

    for width in (2, 5):
        company = [make_run(3 + i % 2, others[i % 3]) for i in range(width - 1)]
        assert_same_result(train_pack([*company, make_run(3, FULL)], digits, CPU)[-1], alone)
        assert_same_result(train_pack([make_run(3, FULL), *company], digits, CPU)[0], alone)


@pytest.mark.parametrize(
    ("then", "p", "told"),
    [(nn.Identity(), 0.2, True), (nn.Dropout(), 0.2, False), (nn.Identity(), None, False)],
)
def test_dropout_of_a_network_of_ones_own_without_any_is_told(monkeypatch, caplog, then, p, told):
    caplog.set_level(logging.INFO)
    network_of.cache_clear()
    monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs: Net(then))
    run = make_run(0, cocktail(dropout=p, l1=1e-3), OwnModel("mine"))
    check_own(replace(run, data=CANCER))
    said = "regularizer.dropout does nothing here: model=mine has no dropout (torch.nn.Dropout)"
    assert any(text.startswith(said) for text in caplog.messages) == told
