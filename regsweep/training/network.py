"""A model spec as the module that it stands for, and the way in which a pack computes it.

A module's ``state_dict`` keys are those of ``weights.safetensors``. What is built in is a plain
``nn.Sequential``, and the fused forward pass walks over the same layers, so there is one
definition of every model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from regsweep.errors import bad_value
from regsweep.settings.model import ACTIVATIONS, Layer, Model, is_layers
from regsweep.settings.own import OwnModel
from regsweep.training.generators import seeded
from regsweep.training.own_forward import Called
from regsweep.training.own_module import built

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

    With ``dropout`` what is built in has a layer of it behind each activation; no name in its
    ``state_dict`` changes by that.

    Raises:
        InputError: a function of the user's gives no network.
    """
    if isinstance(model, OwnModel):
        return built(model, shape, outputs)
    layers = (_built(layer, dropout=dropout) for layer in model.layers(shape, outputs))
    return nn.Sequential(*layers)


def _built(layer: Layer, *, dropout: bool) -> nn.Module:
    module: nn.Module = getattr(nn, layer.kind)(*layer.arguments)
    if dropout and layer.kind in ACTIVATIONS.values():
        return nn.Sequential(module, nn.Dropout())
    return module


def taken(model: Model, inputs: Tensor) -> Tensor:
    """``inputs`` of data, bytes among them that are still to be scaled, as ``model`` takes them.

    Integers are float32 to what is built in, and int64 to a network of the user's, as
    ``nn.Embedding`` looks them up.
    """
    if inputs.dtype == torch.int64 and not isinstance(model, OwnModel):
        return inputs.float()
    return inputs


def output_layer(build: Callable[[], nn.Module], inputs: Tensor) -> tuple[str, ...]:
    """The names of the parameters of the layer that makes the outputs of ``build()``.

    It is the ``nn.Linear`` whose outputs are given back as they are, for ``inputs`` (n, *shape).
    The global generators are neither read nor moved.

    Raises:
        InputError: there is none, or no other parameter has two or more dimensions.
    """
    given: list[tuple[nn.Module, Any]] = []
    with seeded(0), torch.no_grad():
        module = build().eval()
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                layer.register_forward_hook(lambda own, _, output: given.append((own, output)))
        outputs = module(inputs)
    own = {id(p) for layer, output in given if output is outputs for p in layer.parameters()}
    names = {name: id(p) in own for name, p in module.named_parameters()}
    hidden = [p for name, p in module.named_parameters() if p.dim() > 1 and not names[name]]
    if not own or not hidden:
        raise bad_value(
            "regularizer",
            "group_lasso",
            "another, or a network with hidden units whose forward gives back the outputs of an "
            "nn.Linear as they are: that layer keeps its units, and it is not found in this one",
        )
    return tuple(name for name, is_output in names.items() if is_output)
