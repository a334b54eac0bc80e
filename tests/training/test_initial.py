import pytest
import torch

from regsweep.settings.model import CNN, MLP, Linear
from regsweep.training.initial import initial_parameters
from regsweep.training.network import build_network


@pytest.mark.parametrize(
    "model", [MLP((64, 32)), MLP((8, 4), norm="layer"), Linear(), CNN((4, 6))], ids=str
)
def test_starts_as_pytorch_does_after_manual_seed(model):
    stacked = initial_parameters(build_network(model, (28, 28), 10), [42, 3])

    for i, seed in enumerate([42, 3]):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            expected = build_network(model, (28, 28), 10).state_dict()
        assert expected.keys() == stacked.keys()
        for name, value in expected.items():
            assert torch.equal(stacked[name][i], value)


def test_leaves_the_global_generator_alone():
    network = build_network(MLP((8,)), (28, 28), 10)
    before = torch.random.get_rng_state()

    initial_parameters(network, [0, 1])

    assert torch.equal(torch.random.get_rng_state(), before)
