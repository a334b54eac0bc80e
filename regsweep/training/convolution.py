"""The convolutions of all runs: each run's own, one by one, with the bits that it has alone.

As one grouped convolution they are slower on a CPU. A compiler sees one operation that it leaves
as it is.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def convolution(
    weight: Tensor,
    bias: Tensor | None,
    x: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """``torch.nn.functional.conv1d``, ``conv2d`` or ``conv3d`` of every run, by the shape of ``x``.

    ``weight`` is (runs, out, in / groups, *kernel), ``bias`` (runs, out) if there is one, ``x``
    (runs, batch, in, *size); the three lists have a number for each dimension of ``size``.
    """
    output: Tensor = torch.ops.regsweep.convolution(
        weight, bias, x, stride, padding, dilation, groups
    )
    return output


def _convolution(
    weight: Tensor,
    bias: Tensor | None,
    x: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    zeros = [0] * len(stride)
    return torch.stack(
        [
            torch.ops.aten.convolution(
                x[i],
                weight[i],
                None if bias is None else bias[i],
                stride,
                padding,
                dilation,
                False,
                zeros,
                groups,
            )
            for i in range(len(weight))
        ]
    )


def _convolution_backward(
    gradient: Tensor,
    weight: Tensor,
    x: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    into_x: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of weight, of what a bias would be, and of x or nothing (empty)."""
    gradient = gradient.contiguous()
    zeros = [0] * len(stride)
    of_x, of_weight, of_bias = zip(
        *(
            torch.ops.aten.convolution_backward(
                gradient[i],
                x[i],
                weight[i],
                [weight.shape[1]],
                stride,
                padding,
                dilation,
                False,
                zeros,
                groups,
                [into_x, True, True],
            )
            for i in range(len(weight))
        ),
        strict=True,
    )
    none = gradient.new_empty(0)
    return torch.stack(of_weight), torch.stack(of_bias), torch.stack(of_x) if into_x else none


def _convolution_shape(
    weight: Tensor,
    bias: Tensor | None,
    x: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    one = torch.ops.aten.convolution(
        x[0], weight[0], None, stride, padding, dilation, False, [0] * len(stride), groups
    )
    return x.new_empty(len(weight), *one.shape)


def _convolution_backward_shapes(
    gradient: Tensor,
    weight: Tensor,
    x: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    into_x: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    of_x = (*x.shape,) if into_x else (0,)
    return (
        weight.new_empty(weight.shape),
        weight.new_empty(weight.shape[:2]),
        x.new_empty(of_x),
    )


_SETTINGS = "int[] stride, int[] padding, int[] dilation, int groups"
torch.library.define(
    "regsweep::convolution", f"(Tensor weight, Tensor? bias, Tensor x, {_SETTINGS}) -> Tensor"
)
torch.library.impl("regsweep::convolution", "CPU", _convolution)
torch.library.register_fake("regsweep::convolution", _convolution_shape)
torch.library.define(
    "regsweep::convolution_backward",
    f"(Tensor gradient, Tensor weight, Tensor x, {_SETTINGS}, bool into_x)"
    " -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::convolution_backward", "CPU", _convolution_backward)
torch.library.register_fake("regsweep::convolution_backward", _convolution_backward_shapes)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    weight, _, x, *ctx.settings = inputs
    ctx.save_for_backward(weight, x)


def _gradients(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    weight, x = ctx.saved_tensors
    _, into_bias, into_x, *_ = ctx.needs_input_grad
    of_weight, of_bias, of_x = torch.ops.regsweep.convolution_backward(
        gradient, weight, x, *ctx.settings, into_x
    )
    own = of_bias if into_bias else None
    return of_weight, own, of_x if into_x else None, None, None, None, None


torch.library.register_autograd("regsweep::convolution", _gradients, setup_context=_keep)
