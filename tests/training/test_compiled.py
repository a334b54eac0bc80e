import pytest
import torch
from torch._dynamo.utils import counters

from regsweep.settings.model import MLP, Linear
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.regularizer import L1
from regsweep.training.compiled import lacking
from regsweep.training.pack import train_pack
from tests.training.test_pack import ALL_FIVE, CPU, assert_same_result, make_run

pytestmark = pytest.mark.skipif(
    lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)


@pytest.mark.parametrize(
    ("model", "batch_size", "precision"),
    [
        pytest.param(MLP((64, 32)), 10, "highest", marks=pytest.mark.full),
        (MLP((50,), "silu", "layer"), 37, "highest"),
        pytest.param(MLP((64, 32)), 128, "medium", marks=pytest.mark.full),
        pytest.param(MLP((17, 5, 3)), 1, "highest", marks=pytest.mark.full),
        pytest.param(Linear(), 1, "highest", marks=pytest.mark.full),
        pytest.param(Linear(), 10, "medium", marks=pytest.mark.full),
    ],
    ids=str,
)
def test_a_compiled_run_is_the_same_at_every_width_and_place(digits, model, batch_size, precision):
    def run(seed, regularizer, lr=1e-3):
        trainer = {"batch_size": batch_size, "epochs": 1, "matmul_precision": precision}
        return make_run(seed, regularizer, model, Adam(lr), **trainer)

    me = run(0, L1(1e-3, "weights"))
    [alone] = train_pack([me], digits, CPU, mode="compiled")
    for seeds in (1, 3):  # all on one batch, and each on its own
        company = [run(i % seeds, ALL_FIVE[i % 5], lr=1e-3 * (1 + i)) for i in range(15)]
        for width in (2, 5, 16):
            pack = [me, *company[: width - 1]]
            there = train_pack(pack[::-1], digits, CPU, mode="compiled", width=width)
            assert_same_result(there[-1], alone)


def test_a_smaller_pack_is_filled_up_and_compiles_nothing(digits):
    runs = [make_run(0, regularizer) for regularizer in ALL_FIVE]
    full = train_pack(runs, digits, CPU, mode="compiled", width=5)
    before = counters["stats"]["unique_graphs"]

    part = train_pack(runs[:2], digits, CPU, mode="compiled", width=5)

    assert len(part) == 2
    for one, other in zip(part, full, strict=False):
        assert_same_result(one, other)
    assert counters["stats"]["unique_graphs"] == before


@pytest.mark.parametrize(
    "optimizer",
    [Adam(1e-3), SGD(0.1, 0.9), RMSprop(1e-4, 0.99, 1e-8, 0.9)],
    ids=["adam", "sgd", "rmsprop"],
)
def test_compiled_and_eager_differ_by_rounding(digits, optimizer):
    # Few steps: the sign of a weight near zero, which L1 follows, soon makes more of it.
    runs = [
        make_run(0, regularizer, optimizer=optimizer, batch_size=100, epochs=1)
        for regularizer in ALL_FIVE
    ]

    eager = train_pack(runs, digits, CPU)

    for one, other in zip(train_pack(runs, digits, CPU, mode="compiled"), eager, strict=True):
        for name, weights in one.weights.items():
            torch.testing.assert_close(weights, other.weights[name], rtol=1e-5, atol=1e-6)
