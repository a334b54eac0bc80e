"""A model spec as the module that it stands for, and the way in which a pack computes it.

A module's ``state_dict`` keys are those of ``weights.safetensors``. What is built in is a plain
``nn.Sequential``, and the fused forward pass walks over the same layers, so there is one
definition of every model.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from regsweep.settings.model import CNN, MLP, Activation, Linear, Model, is_layers
from regsweep.settings.own import OwnModel
from regsweep.training.generators import seeded
from regsweep.training.own_forward import Called
from regsweep.training.own_module import built

ACTIVATIONS: Mapping[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
}

# A pack computes a module layer by layer, as ``fused`` does; or, written for one run, for all at
# once; or of a single run, as it is.
Way = Literal["layers", "vmapped", "alone"]


@dataclass(frozen=True)
class Network:
    """A module, whose own parameters and buffers are of no account, and how it is computed.

    Layers are an ``nn.Sequential``; any other module is one that is ``Called``.
    """

    module: Any
    way: Way


@contextmanager
def measuring(network: Network) -> Iterator[None]:
    """The module in evaluation mode; it trains again afterwards."""
    network.module.eval()
    try:
        yield
    finally:
        network.module.train()


@cache
def network_of(
    model: Model, shape: tuple[int, ...], outputs: int, *, alone: bool, dropout: bool = False
) -> Network:
    """The network of ``model``; one object for all packs, so as to compile once.

    What is computed layer by layer is so for a run alone too. ``dropout`` says that what is built
    in is to have some; layers need none of their own for it.
    """
    if is_layers(model):
        with torch.device("meta"):
            return Network(build_network(model, shape, outputs), "layers")
    with seeded(0):
        module = build_network(model, shape, outputs, dropout=dropout)
    return Network(Called(module).train(), "alone" if alone else "vmapped")


def build_network(
    model: Model, shape: tuple[int, ...], outputs: int, *, dropout: bool = False
) -> nn.Module:
    """The network of ``model``: inputs (batch, *shape) in, (batch, outputs) out.

    With ``dropout`` mlp has a layer of it behind each activation; no name in its ``state_dict``
    changes by that.

    Raises:
        InputError: a function of the user's gives no network.
    """
    if isinstance(model, OwnModel):
        return built(model, shape, outputs)
    if isinstance(model, MLP):
        return _perceptron(model, prod(shape), outputs, dropout)
    if isinstance(model, Linear):
        return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), outputs))
    return _convolutions(model, shape, outputs)


def taken(model: Model, inputs: Tensor) -> Tensor:
    """``inputs`` of data, bytes among them that are still to be scaled, as ``model`` takes them.

    Integers are float32 to what is built in, and int64 to a network of the user's, as
    ``nn.Embedding`` looks them up.
    """
    if inputs.dtype == torch.int64 and not isinstance(model, OwnModel):
        return inputs.float()
    return inputs


def output_layer(network: Network) -> tuple[str, ...]:
    """The names of the parameters of the last layer; none of a network that is not built in."""
    module = network.module if network.way == "layers" else network.module.module
    if not isinstance(module, nn.Sequential):
        return ()
    names = [name for name, _ in module.named_parameters()]
    last = names[-1].partition(".")[0]
    return tuple(name for name in names if name.partition(".")[0] == last)


def _perceptron(model: MLP, width: int, outputs: int, dropout: bool) -> nn.Sequential:
    norms = {"none": (), "layer": (nn.LayerNorm,), "batch": (nn.BatchNorm1d,)}
    layers: list[nn.Module] = [nn.Flatten()]
    for wider in model.hidden:
        norm = [kind(wider) for kind in norms[model.norm]]
        activation = ACTIVATIONS[model.activation]()
        active = nn.Sequential(activation, nn.Dropout()) if dropout else activation
        layers += [nn.Linear(width, wider), *norm, active]
        width = wider
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def _convolutions(model: CNN, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """Of inputs of shape (height, width), or (channels, height, width)."""
    depth, height, width = shape if len(shape) == 3 else (1, *shape)
    layers: list[nn.Module] = [] if len(shape) == 3 else [nn.Unflatten(1, (1, height))]
    for deeper in model.channels:
        layers += [nn.Conv2d(depth, deeper, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        depth, height, width = deeper, height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(depth * height * width, outputs))
