"""The activations of all runs at once, with the bits that each run has alone.

Where the last elements of a loop do not fill a vector, exp is rounded otherwise, and which elements
those are depends on the number of runs. So where one run's numbers leave such a rest, each run is a
loop of its own. A compiler sees each activation as one operation that it leaves as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, mish, silu, softplus

# A multiple of what any loop takes at once, in numbers.
VECTORS = 64

# ReLU is not here: it rounds nothing.
KINDS: Mapping[type[nn.Module], str] = {nn.GELU: "gelu", nn.Tanh: "tanh", nn.SiLU: "silu"}
_aten = torch.ops.aten
# Of the input and the options of the kind.
_FORWARD: Mapping[str, Callable[..., Tensor]] = {
    "gelu": gelu,
    "gelu_tanh": partial(gelu, approximate="tanh"),
    "tanh": torch.tanh,
    "silu": silu,
    "sigmoid": torch.sigmoid,
    "elu": _aten.elu,
    "softplus": softplus,
    "mish": mish,
    "exp": torch.exp,
    "sin": torch.sin,
    "cos": torch.cos,
}
# Of the gradient, the input, or the output of those in OF_OUTPUT, and the options.
_BACKWARD: Mapping[str, Callable[..., Tensor]] = {
    "gelu": _aten.gelu_backward,
    "gelu_tanh": partial(_aten.gelu_backward, approximate="tanh"),
    "tanh": _aten.tanh_backward,
    "silu": _aten.silu_backward,
    "sigmoid": _aten.sigmoid_backward,
    "elu": lambda gradient, x, *options: _aten.elu_backward(gradient, *options, False, x),
    "softplus": _aten.softplus_backward,
    "mish": _aten.mish_backward,
    "exp": torch.mul,
    "sin": lambda gradient, x: gradient * x.cos(),
    "cos": lambda gradient, x: -gradient * x.sin(),
}
OF_OUTPUT = ("tanh", "sigmoid", "exp")


def activate(layer: nn.Module, x: Tensor) -> Tensor:
    """``layer``, one of ``KINDS``, of every run's ``x``: (runs, features, batch)."""
    return activation(KINDS[type(layer)], x)


def activation(kind: str, x: Tensor, options: Sequence[float] = ()) -> Tensor:
    """The activation ``kind`` of every run's ``x``, (runs, *shape).

    ``options`` are numbers: of ``elu`` alpha, scale and input scale, of ``softplus`` beta and
    threshold.
    """
    if x.device.type != "cpu":  # bits are promised on a CPU only
        return _FORWARD[kind](x, *options)
    output: Tensor = torch.ops.regsweep.activation(x, kind, list(options))
    return output


def as_alone(form: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """``form`` of all runs at once, where no run ends within a vector; else of each run."""
    if tensors[0][0].numel() % VECTORS == 0:
        return form(*tensors)
    return torch.stack([form(*own) for own in zip(*tensors, strict=True)])


def _activation(x: Tensor, kind: str, options: Sequence[float]) -> Tensor:
    return as_alone(lambda own: _FORWARD[kind](own, *options), x.contiguous())


def _activation_backward(
    gradient: Tensor, kept: Tensor, kind: str, options: Sequence[float]
) -> Tensor:
    def form(gradient: Tensor, kept: Tensor) -> Tensor:
        return _BACKWARD[kind](gradient, kept, *options)

    return as_alone(form, gradient.contiguous(), kept.contiguous())


def _activation_shape(x: Tensor, kind: str, options: Sequence[float]) -> Tensor:
    return x.new_empty(x.shape)


def _activation_backward_shape(
    gradient: Tensor, kept: Tensor, kind: str, options: Sequence[float]
) -> Tensor:
    return gradient.new_empty(gradient.shape)


torch.library.define("regsweep::activation", "(Tensor x, str kind, float[] options) -> Tensor")
torch.library.impl("regsweep::activation", "CPU", _activation)
torch.library.register_fake("regsweep::activation", _activation_shape)
torch.library.define(
    "regsweep::activation_backward",
    "(Tensor gradient, Tensor kept, str kind, float[] options) -> Tensor",
)
torch.library.impl("regsweep::activation_backward", "CPU", _activation_backward)
torch.library.register_fake("regsweep::activation_backward", _activation_backward_shape)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, ctx.kind, ctx.options = inputs
    ctx.save_for_backward(output if ctx.kind in OF_OUTPUT else x)


def _gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
    (kept,) = ctx.saved_tensors
    of_x = torch.ops.regsweep.activation_backward(gradient, kept, ctx.kind, ctx.options)
    return of_x, None, None


torch.library.register_autograd("regsweep::activation", _gradients, setup_context=_keep)
