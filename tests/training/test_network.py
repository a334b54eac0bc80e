import pytest
import torch

from regsweep.spec.model import CNN, MLP, Logistic
from regsweep.training.network import build_network

MODELS = [MLP((64, 32)), MLP((7,)), Logistic(), CNN((4, 6)), CNN((3, 4, 5))]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_takes_images_and_gives_logits(model):
    assert build_network(model)(torch.zeros(5, 28, 28)).shape == (5, 10)


def test_mlp_is_the_articles():
    shapes = {k: tuple(v.shape) for k, v in build_network(MLP((64, 32))).state_dict().items()}

    assert shapes == {
        "1.weight": (64, 784),
        "1.bias": (64,),
        "3.weight": (32, 64),
        "3.bias": (32,),
        "5.weight": (10, 32),
        "5.bias": (10,),
    }
