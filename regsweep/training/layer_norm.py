"""Layer norm of all runs at once, with the bits that each run has alone.

PyTorch's own normalises every example by itself, whatever the others are; scale and shift, which
are a run's, are one product and one sum for each number. A compiler sees one operation that it
leaves as it is.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm as normalised


def layer_norm(weight: Tensor, bias: Tensor, x: Tensor, eps: float) -> Tensor:
    """``torch.nn.LayerNorm`` over the features of every run: (runs, features, batch).

    ``weight`` and ``bias`` are (runs, features).
    """
    if x.device.type != "cpu":  # bits are promised on a CPU only
        rows = normalised(x.mT, x.shape[1:2], eps=eps)
        return (rows * weight.unsqueeze(1) + bias.unsqueeze(1)).mT
    output: Tensor = torch.ops.regsweep.layer_norm(weight, bias, x, eps)[0]
    return output


def _layer_norm(
    weight: Tensor, bias: Tensor, x: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The output; for the way back the normalised rows, each an example, their means and scales."""
    rows, mean, scale = torch.native_layer_norm(x.mT.contiguous(), x.shape[1:2], None, None, eps)
    output = (rows * weight.unsqueeze(1)).add_(bias.unsqueeze(1))
    return output.mT.contiguous(), rows, mean, scale


def _layer_norm_backward(
    gradient: Tensor, weight: Tensor, x: Tensor, rows: Tensor, mean: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of weight, bias and x."""
    gradient = gradient.contiguous()
    of_x, _, _ = torch.ops.aten.native_layer_norm_backward(
        gradient.mT * weight.unsqueeze(1),
        x.mT.contiguous(),
        x.shape[1:2],
        mean,
        scale,
        None,
        None,
        [True, False, False],
    )
    of_weight = (gradient * rows.mT).contiguous().sum(2)
    return of_weight, gradient.sum(2), of_x.mT.contiguous()


def _layer_norm_shapes(
    weight: Tensor, bias: Tensor, x: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    runs, features, batch = x.shape
    each = (runs, batch, 1)
    return (
        x.new_empty(x.shape),
        x.new_empty(runs, batch, features),
        x.new_empty(each),
        x.new_empty(each),
    )


def _layer_norm_backward_shapes(
    gradient: Tensor, weight: Tensor, x: Tensor, rows: Tensor, mean: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return weight.new_empty(weight.shape), weight.new_empty(weight.shape), x.new_empty(x.shape)


torch.library.define(
    "regsweep::layer_norm",
    "(Tensor weight, Tensor bias, Tensor x, float eps) -> (Tensor, Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::layer_norm", "CPU", _layer_norm)
torch.library.register_fake("regsweep::layer_norm", _layer_norm_shapes)
torch.library.define(
    "regsweep::layer_norm_backward",
    "(Tensor gradient, Tensor weight, Tensor x, Tensor rows, Tensor mean, Tensor scale)"
    " -> (Tensor, Tensor, Tensor)",
)
torch.library.impl("regsweep::layer_norm_backward", "CPU", _layer_norm_backward)
torch.library.register_fake("regsweep::layer_norm_backward", _layer_norm_backward_shapes)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    weight, _, x, _ = inputs
    _, rows, mean, scale = output
    ctx.save_for_backward(weight, x, rows, mean, scale)


def _gradients(
    ctx: Any, gradient: Tensor, *of_statistics: Tensor
) -> tuple[Tensor, Tensor, Tensor, None]:
    of_weight, of_bias, of_x = torch.ops.regsweep.layer_norm_backward(gradient, *ctx.saved_tensors)
    return of_weight, of_bias, of_x, None


torch.library.register_autograd("regsweep::layer_norm", _gradients, setup_context=_keep)
