import math
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.settings.config import read_run
from regsweep.settings.model import CNN, MLP, MODELS, BuiltIn, Layer, Linear
from regsweep.training.network import build_network
from regsweep.training.pack import train_pack

NETWORKS = [MLP((64, 32)), MLP((7,), "gelu", "layer"), Linear(), CNN((4, 6)), CNN((3, 4, 5))]


@pytest.mark.parametrize("shape", [(28, 28), (9, 12), (3, 10, 8)], ids=str)
@pytest.mark.parametrize("model", NETWORKS, ids=str)
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


@dataclass(frozen=True)
class Funnel(BuiltIn):
    """Each of ``depth`` layers a quarter as wide as what it takes."""

    depth: int

    def layers(self, shape, outputs):
        widths = [math.prod(shape) // 4**i for i in range(self.depth + 1)]
        inner = [Layer("Linear", pair) for pair in pairwise(widths)]
        return [Layer("Flatten"), *inner, Layer("SiLU"), Layer("Linear", (widths[-1], outputs))]


def test_a_model_is_a_class_and_a_yaml(tmp_path, monkeypatch, digits):
    monkeypatch.setitem(MODELS, "funnel", Funnel)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "funnel.yaml").write_text("name: funnel\ndepth: 2\n")
    register_nodes()
    with initialize_config_dir(str(CONF)):
        search = f"hydra.searchpath=[file://{tmp_path}]"
        config = compose("config", ["model=funnel", "trainer.batch_size=20", search])
    run = read_run(OmegaConf.to_container(config, resolve=True))

    assert run.model == Funnel(2)
    packs = [run], [replace(run, seed=1), run]
    alone, packed = (train_pack(pack, digits, torch.device("cpu")) for pack in packs)
    shapes = [tuple(value.shape) for value in alone[0].weights.values()]
    assert shapes == [(196, 784), (196,), (49, 196), (49,), (10, 49), (10,)]
    assert alone[0].metrics == packed[1].metrics
