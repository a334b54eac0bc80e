import pytest
import torch

from regsweep.spec.model import CNN, MLP, Logistic
from regsweep.training.initial import initial_parameters
from regsweep.training.network import build_network


@pytest.mark.parametrize("model", [MLP((64, 32)), Logistic(), CNN((4, 6))], ids=str)
def test_starts_as_pytorch_does_after_manual_seed(model):
    stacked = initial_parameters(model, [42, 3], classes=10)

    for i, seed in enumerate([42, 3]):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            expected = build_network(model).state_dict()
        assert expected.keys() == stacked.keys()
        for name, value in expected.items():
            assert torch.equal(stacked[name][i], value)


def test_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()

    initial_parameters(MLP((8,)), [0, 1], classes=10)

    assert torch.equal(torch.random.get_rng_state(), before)
