import pytest
import torch
from torch import nn

from regsweep.settings.model import CNN, MLP, Linear
from regsweep.training.network import build_network

MODELS = [MLP((64, 32)), MLP((7,), "gelu", "layer"), Linear(), CNN((4, 6)), CNN((3, 4, 5))]


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


def test_a_norm_stands_before_the_activation():
    network = build_network(MLP((8, 4), "silu", "layer"), (28, 28), 10)

    inner = [nn.Linear, nn.LayerNorm, nn.SiLU]
    assert [type(layer) for layer in network] == [nn.Flatten, *inner, *inner, nn.Linear]
