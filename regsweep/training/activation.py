"""The activations of all runs at once, with the bits that each run has alone.

Where the last elements of a loop do not fill a vector, exp is rounded otherwise, and which elements
those are depends on the number of runs. So where one run's numbers leave such a rest, each run is a
loop of its own. A compiler sees each activation as one operation that it leaves as it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, silu

# A multiple of what any loop takes at once, in numbers.
VECTORS = 64

# ReLU is not here: it rounds nothing.
KINDS: Mapping[type[nn.Module], str] = {nn.GELU: "gelu", nn.Tanh: "tanh", nn.SiLU: "silu"}
_FORWARD: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "tanh": torch.tanh,
    "silu": silu,
}
# Of the gradient and the input, but for tanh, which takes its output.
_BACKWARD: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gelu": torch.ops.aten.gelu_backward,
    "tanh": torch.ops.aten.tanh_backward,
    "silu": torch.ops.aten.silu_backward,
}


def activate(layer: nn.Module, x: Tensor) -> Tensor:
    """``layer``, one of ``KINDS``, of every run's ``x``: (runs, features, batch)."""
    if x.device.type != "cpu":  # bits are promised on a CPU only
        return _FORWARD[KINDS[type(layer)]](x)
    output: Tensor = _Activation.apply(x, KINDS[type(layer)])
    return output


def as_alone(form: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """``form`` of all runs at once, where no run ends within a vector; else of each run."""
    if tensors[0][0].numel() % VECTORS == 0:
        return form(*tensors)
    return torch.stack([form(*own) for own in zip(*tensors, strict=True)])


def _activation(x: Tensor, kind: str) -> Tensor:
    return as_alone(_FORWARD[kind], x.contiguous())


def _activation_backward(gradient: Tensor, kept: Tensor, kind: str) -> Tensor:
    return as_alone(_BACKWARD[kind], gradient.contiguous(), kept.contiguous())


def _activation_shape(x: Tensor, kind: str) -> Tensor:
    return x.new_empty(x.shape)


def _activation_backward_shape(gradient: Tensor, kept: Tensor, kind: str) -> Tensor:
    return gradient.new_empty(gradient.shape)


torch.library.define("regsweep::activation", "(Tensor x, str kind) -> Tensor")
torch.library.impl("regsweep::activation", "CPU", _activation)
torch.library.register_fake("regsweep::activation", _activation_shape)
torch.library.define(
    "regsweep::activation_backward", "(Tensor gradient, Tensor kept, str kind) -> Tensor"
)
torch.library.impl("regsweep::activation_backward", "CPU", _activation_backward)
torch.library.register_fake("regsweep::activation_backward", _activation_backward_shape)


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kind: str) -> Tensor:
        output: Tensor = torch.ops.regsweep.activation(x, kind)
        ctx.kind = kind
        ctx.save_for_backward(output if kind == "tanh" else x)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return torch.ops.regsweep.activation_backward(gradient, kept, ctx.kind), None
