"""On a GPU bits are not promised; these run where there is one."""

import pytest
import torch

from regsweep.settings.model import CNN, MLP
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.training.pack import train_pack
from tests.training.test_pack import ALL_FIVE, CPU, make_run

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

CUDA = torch.device("cuda")


def runs(**settings):
    return [
        make_run(seed % 2, regularizer, **settings) for seed, regularizer in enumerate(ALL_FIVE)
    ]


@pytest.mark.parametrize("mode", ["eager", "compiled"])
@pytest.mark.parametrize(
    "optimizer",
    [Adam(1e-3), SGD(0.1, 0.9), RMSprop(1e-4, 0.99, 1e-8, 0.9)],
    ids=["adam", "sgd", "rmsprop"],
)
@pytest.mark.parametrize("model", [MLP((64, 32)), CNN((4, 6))], ids=str)
def test_one_step_is_that_of_the_cpu(digits, model, optimizer, mode):
    pack = runs(model=model, optimizer=optimizer, batch_size=300, epochs=1)

    there = train_pack(pack, digits, CUDA, mode=mode, width=8)

    for one, other in zip(there, train_pack(pack, digits, CPU), strict=True):
        for name, weights in one.weights.items():
            torch.testing.assert_close(weights, other.weights[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_it_learns_what_the_cpu_learns(digits, mode):
    pack = runs(epochs=20)

    there = train_pack(pack, digits, CUDA, mode=mode)

    for one, other in zip(there, train_pack(pack, digits, CPU), strict=True):
        assert one.status == "completed"
        assert one.metrics["test_accuracy"] == pytest.approx(
            other.metrics["test_accuracy"], abs=0.05
        )


def test_a_second_pack_is_its_own(digits):
    first, again = (train_pack(runs(), digits, CUDA, mode="compiled") for _ in range(2))

    for one, other in zip(first, again, strict=True):
        for name, weights in one.weights.items():
            torch.testing.assert_close(weights, other.weights[name], rtol=0, atol=1e-5)
