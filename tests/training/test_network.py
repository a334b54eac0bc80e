import pytest
import torch

from regsweep.settings.model import CNN, MLP, Linear
from regsweep.training.network import build_network

MODELS = [MLP((64, 32)), MLP((7,)), Linear(), CNN((4, 6)), CNN((3, 4, 5))]


@pytest.mark.parametrize("shape", [(28, 28), (9, 12), (3, 10, 8)], ids=str)
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_takes_its_shape_from_the_data(model, shape):
    assert build_network(model, shape, 7)(torch.zeros(5, *shape)).shape == (5, 7)


def test_mlp_is_the_articles():
    state = build_network(MLP((64, 32)), (28, 28), 10).state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}

    assert shapes == {
        "1.weight": (64, 784),
        "1.bias": (64,),
        "3.weight": (32, 64),
        "3.bias": (32,),
        "5.weight": (10, 32),
        "5.bias": (10,),
    }
