"""Batch norm of all runs at once, with the bits that each run has alone.

Means over the batch are sums over the last axis of memory, each by itself, whatever the number of
runs. A compiler sees one operation that it leaves as it is.
"""

from typing import Any

import torch
from torch import Tensor


def batch_norm(
    weight: Tensor, bias: Tensor, x: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """``weight * (x - mean) / sqrt(var + eps) + bias`` over the batch, with the mean and variance.

    ``x`` is (runs, channels, numbers) with all of a channel's numbers, ``weight`` and ``bias`` are
    (runs, channels). The variance is the biased one (Ioffe and Szegedy, 2015, algorithm 1).
    """
    output: Tensor
    output, _, mean, variance = torch.ops.regsweep.batch_norm(weight, bias, x, eps)
    return output, mean, variance


def _batch_norm(
    weight: Tensor, bias: Tensor, x: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The output; for the way back the normalised numbers; the means and variances."""
    x = x.contiguous()
    mean = x.sum(2) / x.shape[2]
    rows = x - mean.unsqueeze(2)
    variance = rows.square().sum(2) / x.shape[2]
    rows.div_((variance + eps).sqrt_().unsqueeze(2))
    output = (rows * weight.unsqueeze(2)).add_(bias.unsqueeze(2))
    return output, rows, mean, variance


def _batch_norm_backward(
    gradient: Tensor, weight: Tensor, rows: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of weight, bias and x."""
    gradient = gradient.contiguous()
    of_bias = gradient.sum(2)
    of_weight = (gradient * rows).sum(2)
    count = rows.shape[2]
    of_x = gradient - (of_bias / count).unsqueeze(2)
    of_x.sub_(rows * (of_weight / count).unsqueeze(2))
    of_x.mul_((weight / (variance + eps).sqrt_()).unsqueeze(2))
    return of_weight, of_bias, of_x


def _batch_norm_shapes(
    weight: Tensor, bias: Tensor, x: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    each = x.shape[:2]
    return x.new_empty(x.shape), x.new_empty(x.shape), x.new_empty(each), x.new_empty(each)


def _batch_norm_backward_shapes(
    gradient: Tensor, weight: Tensor, rows: Tensor, variance: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    return (
        weight.new_empty(weight.shape),
        weight.new_empty(weight.shape),
        rows.new_empty(rows.shape),
    )


torch.library.define(
    "regsweep::batch_norm",
    "(Tensor weight, Tensor bias, Tensor x, float eps) -> (Tensor, Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::batch_norm", "CPU", _batch_norm)
torch.library.register_fake("regsweep::batch_norm", _batch_norm_shapes)
torch.library.define(
    "regsweep::batch_norm_backward",
    "(Tensor gradient, Tensor weight, Tensor rows, Tensor variance, float eps)"
    " -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::batch_norm_backward", "CPU", _batch_norm_backward)
torch.library.register_fake("regsweep::batch_norm_backward", _batch_norm_backward_shapes)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    weight, _, _, ctx.eps = inputs
    _, rows, _, variance = output
    ctx.save_for_backward(weight, rows, variance)


def _gradients(
    ctx: Any, gradient: Tensor, *of_statistics: Tensor
) -> tuple[Tensor, Tensor, Tensor, None]:
    of_weight, of_bias, of_x = torch.ops.regsweep.batch_norm_backward(
        gradient, *ctx.saved_tensors, ctx.eps
    )
    return of_weight, of_bias, of_x, None


torch.library.register_autograd("regsweep::batch_norm", _gradients, setup_context=_keep)
