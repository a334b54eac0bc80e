"""A model spec as the plain ``nn.Sequential`` that it stands for.

Its ``state_dict`` keys are those of ``weights.safetensors``. The fused forward pass walks over
the same layers, so there is one definition of every model.
"""

import inspect
from collections.abc import Mapping
from math import prod

from torch import nn

from regsweep.errors import InputError
from regsweep.settings.model import CNN, MLP, Activation, Linear, Model
from regsweep.settings.own import OwnModel

ACTIVATIONS: Mapping[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
}


def build_network(model: Model | OwnModel, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """The network of ``model``: inputs (batch, *shape) in, (batch, outputs) out."""
    if isinstance(model, MLP):
        return _perceptron(model, prod(shape), outputs)
    if isinstance(model, Linear):
        return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), outputs))
    if isinstance(model, OwnModel):
        return _own(model, shape, outputs)
    return _convolutions(model, shape, outputs)


def _own(model: OwnModel, shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """A stand-in: of a network of the user's, what the fused layers know, until all are taken."""
    given = {"shape": shape, "outputs": outputs}
    taken = inspect.signature(model.function).parameters
    given = {key: value for key, value in given.items() if key in taken}
    module = model.function(**given, **model.keywords)
    if not isinstance(module, nn.Sequential):
        raise InputError(f"model={model.name}: expected nn.Sequential, the rest is not taken yet")
    return module


def _perceptron(model: MLP, width: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for wider in model.hidden:
        norm = [nn.LayerNorm(wider)] if model.norm == "layer" else []
        layers += [nn.Linear(width, wider), *norm, ACTIVATIONS[model.activation]()]
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
