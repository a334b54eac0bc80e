"""Group norm of all runs at once, with the bits that each run has alone.

PyTorch's own normalises every example by itself, whatever the others are; scale and shift, which
are a run's, are one product and one sum for each number. A compiler sees one operation that it
leaves as it is.
"""

from typing import Any

import torch
from torch import Tensor


def group_norm(weight: Tensor, bias: Tensor, x: Tensor, groups: int, eps: float) -> Tensor:
    """``torch.nn.functional.group_norm`` of every run: (runs, batch, channels, numbers).

    ``weight`` and ``bias`` are (runs, channels).
    """
    output: Tensor = torch.ops.regsweep.group_norm(weight, bias, x, groups, eps)[0]
    return output


def _of_channels(values: Tensor) -> Tensor:
    """(runs, channels) to broadcast over (runs, batch, channels, numbers)."""
    return values.unsqueeze(1).unsqueeze(3)


def _group_norm(
    weight: Tensor, bias: Tensor, x: Tensor, groups: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The output; for the way back the means and scales of each example's groups."""
    examples = x.contiguous().flatten(0, 1)
    rows, mean, scale = torch.ops.aten.native_group_norm(
        examples, None, None, *examples.shape, groups, eps
    )
    output = (rows.view(x.shape) * _of_channels(weight)).add_(_of_channels(bias))
    return output, mean, scale


def _group_norm_backward(
    gradient: Tensor, weight: Tensor, x: Tensor, mean: Tensor, scale: Tensor, groups: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of weight, bias and x."""
    gradient = gradient.contiguous()
    examples = x.contiguous().flatten(0, 1)
    of_rows = (gradient * _of_channels(weight)).flatten(0, 1)
    of_x, _, _ = torch.ops.aten.native_group_norm_backward(
        of_rows, examples, mean, scale, None, *examples.shape, groups, [True, False, False]
    )
    by_group = examples.view(len(examples), groups, -1, examples.shape[2])
    shape = (*mean.shape, 1, 1)
    rows = ((by_group - mean.view(shape)) * scale.view(shape)).view(x.shape)
    of_weight = (gradient * rows).transpose(1, 2).flatten(2).sum(2)
    return of_weight, gradient.transpose(1, 2).flatten(2).sum(2), of_x.view(x.shape)


def _group_norm_shapes(
    weight: Tensor, bias: Tensor, x: Tensor, groups: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    each = (x.shape[0] * x.shape[1], groups)
    return x.new_empty(x.shape), x.new_empty(each), x.new_empty(each)


def _group_norm_backward_shapes(
    gradient: Tensor, weight: Tensor, x: Tensor, mean: Tensor, scale: Tensor, groups: int
) -> tuple[Tensor, Tensor, Tensor]:
    return weight.new_empty(weight.shape), weight.new_empty(weight.shape), x.new_empty(x.shape)


torch.library.define(
    "regsweep::group_norm",
    "(Tensor weight, Tensor bias, Tensor x, int groups, float eps) -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::group_norm", "CPU", _group_norm)
torch.library.register_fake("regsweep::group_norm", _group_norm_shapes)
torch.library.define(
    "regsweep::group_norm_backward",
    "(Tensor gradient, Tensor weight, Tensor x, Tensor mean, Tensor scale, int groups)"
    " -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::group_norm_backward", "CPU", _group_norm_backward)
torch.library.register_fake("regsweep::group_norm_backward", _group_norm_backward_shapes)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    weight, _, x, ctx.groups, _ = inputs
    ctx.save_for_backward(weight, x, *output[1:])


def _gradients(
    ctx: Any, gradient: Tensor, *of_statistics: Tensor
) -> tuple[Tensor, Tensor, Tensor, None, None]:
    of_weight, of_bias, of_x = torch.ops.regsweep.group_norm_backward(
        gradient, *ctx.saved_tensors, ctx.groups
    )
    return of_weight, of_bias, of_x, None, None


torch.library.register_autograd("regsweep::group_norm", _gradients, setup_context=_keep)
