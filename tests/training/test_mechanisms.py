"""What a regularizer does beside a gradient and decay: the contract of each such mechanism."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch._dynamo.utils import counters

from regsweep.settings.model import MLP
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.regularizer import (
    L1,
    Coefficients,
    EarlyStopping,
    Elastic,
    GroupLasso,
    MaxNorm,
    NoRegularizer,
)
from regsweep.settings.run import fusible
from regsweep.training.compiled import lacking
from regsweep.training.pack import train_pack, try_compiled
from tests.training.test_pack import CPU, assert_same_result, make_run

needs_compiler = pytest.mark.skipif(
    lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)
# Of each mechanism runs that may share a pack, the first of them strong enough to be seen.
MECHANISMS = {
    "exact": [
        L1(1e-3, "weights", exact=True),
        L1(1e-3, "all", exact=True),
        Elastic(1e-2, 0.5, "all", exact=True),
        Elastic(1e-2, 0.0, "weights", exact=True),
        L1(0.0, "weights", exact=True),
    ],
    "groups": [
        GroupLasso(1e-3, "weights"),
        GroupLasso(1e-2, "all"),
        GroupLasso(1e-4, "all"),
        GroupLasso(0.0, "weights"),
    ],
    "bounds": [MaxNorm(0.3), MaxNorm(0.1), MaxNorm(100.0)],
}
OPTIMIZERS = [Adam(1e-3), SGD(0.1, 0.9), RMSprop(1e-4, 0.99, 1e-8, 0.9)]

each_mechanism = pytest.mark.parametrize("choices", MECHANISMS.values(), ids=MECHANISMS)
each_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["adam", "sgd", "rmsprop"])


@pytest.mark.parametrize("choices", [*MECHANISMS.values(), [EarlyStopping(1), EarlyStopping(9)]])
def test_runs_of_one_mechanism_share_a_pack_and_no_others_do(choices):
    kinds = {fusible(make_run(regularizer=choice)) for choice in choices}

    assert len(kinds) == 1
    assert kinds.isdisjoint({fusible(make_run(regularizer=NoRegularizer("weights")))})


@each_mechanism
@pytest.mark.parametrize(
    ("mode", "optimizer"),
    [
        *[("eager", optimizer) for optimizer in OPTIMIZERS],
        pytest.param("compiled", OPTIMIZERS[0], marks=[needs_compiler, pytest.mark.full]),
    ],
    ids=str,
)
def test_a_run_is_the_same_at_every_width_and_place(digits, choices, mode, optimizer):
    def run(seed, choice, share=1.0):
        own = replace(optimizer, lr=optimizer.lr * share)
        return make_run(seed, choice, MLP((17, 5), "silu", "layer"), own, epochs=1)

    me = run(0, choices[0])
    [alone] = train_pack([me], digits, CPU, mode=mode)
    for seeds, width in ((1, 2), (3, 7)):  # all on one batch, and each on its own
        company = [run(i % seeds, choices[i % len(choices)], 1 / (1 + i)) for i in range(width - 1)]
        there = train_pack([*company, me], digits, CPU, mode=mode, width=width)
        assert_same_result(there[-1], alone)


@needs_compiler
@each_mechanism
@each_optimizer
def test_what_was_tried_is_what_trains_and_differs_from_eager_by_rounding(
    digits, choices, optimizer
):
    runs = [
        make_run(0, choice, optimizer=optimizer, batch_size=100, epochs=1) for choice in choices
    ]
    try_compiled(runs[0], len(runs), CPU)
    before = counters["stats"]["unique_graphs"]

    compiled = train_pack(runs, digits, CPU, mode="compiled", width=len(runs))

    assert counters["stats"]["unique_graphs"] == before
    for one, other in zip(compiled, train_pack(runs, digits, CPU), strict=True):
        for name, weights in one.weights.items():
            torch.testing.assert_close(weights, other.weights[name], rtol=1e-5, atol=1e-6)


@dataclass(frozen=True)
class Unbounded(NoRegularizer):
    """A run that shares its pack with runs whose norms are bounded."""

    def coefficients(self):
        return Coefficients(bound=math.inf)


@pytest.mark.parametrize(
    ("zero", "full"),
    [
        (L1(0.0, "all", exact=True), L1(1e-3, "all", exact=True)),
        (Elastic(0.0, 0.5, "all", exact=True), L1(1e-3, "all", exact=True)),
        (GroupLasso(0.0, "all"), GroupLasso(1e-3, "all")),
        (Unbounded("all"), MaxNorm(0.3)),
    ],
    ids=str,
)
@each_optimizer
def test_what_has_no_effect_equals_none_bit_for_bit(digits, zero, full, optimizer):
    # Beside a run that uses the mechanism, so that the zero is really applied.
    pack = [make_run(0, choice, optimizer=optimizer) for choice in (zero, full)]

    [mine, other] = train_pack(pack, digits, CPU)

    [none] = train_pack([make_run(0, NoRegularizer("all"), optimizer=optimizer)], digits, CPU)
    assert mine.metrics.pop("zero_units", 0) == 0
    assert_same_result(mine, none)
    assert other.metrics != none.metrics


@each_optimizer
def test_exact_l1_gives_zeros_where_the_subgradient_gives_none(digits, optimizer):
    runs = [
        make_run(0, L1(1e-2, "weights", exact=exact), optimizer=optimizer, epochs=20)
        for exact in (False, True)
    ]

    kinked, exact = (train_pack([run], digits, CPU)[0].metrics for run in runs)

    assert kinked["zero_fraction"] < 0.01
    assert exact["zero_fraction"] > 0.3
    # Of one objective: loss and penalty are about those of the subgradient.
    whole = [metrics["train_loss"] + metrics["penalty"] for metrics in (kinked, exact)]
    assert whole[1] <= 1.02 * whole[0]


def test_scope_weights_leaves_biases_alone(digits):
    strong = [L1(1.0, scope, exact=True) for scope in ("weights", "all")]

    ours = train_pack([make_run(0, choice) for choice in strong], digits, CPU)

    for result, spared in zip(ours, (True, False), strict=True):
        assert not result.weights["1.weight"].any()
        assert bool(result.weights["1.bias"].any()) is spared
