"""The loss of every run on its data, and who is right.

Outputs are (runs, outputs, batch). Targets of ``cross_entropy`` are classes, int64 (runs, batch);
of ``bce``, 0 and 1, and of ``mse``, numbers, they are float32 (runs, batch, outputs). Of both the
loss of an example is the mean over its outputs:

    bce = -t log s(x) - (1 - t) log (1 - s(x)),  s(x) = 1 / (1 + exp(-x))
    mse = (x - t)^2
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from regsweep.records.task import Loss
from regsweep.training.activation import as_alone


def example_losses(outputs: Tensor, targets: Tensor, loss: Loss = "cross_entropy") -> Tensor:
    """The loss of every example, (runs, batch)."""
    if loss == "cross_entropy":
        return cross_entropy(outputs, targets, reduction="none")
    form = binary_cross_entropy_with_logits if loss == "bce" else mse_loss
    return form(outputs, targets.mT, reduction="none").mean(1)


def mean_losses(outputs: Tensor, targets: Tensor, loss: Loss = "cross_entropy") -> Tensor:
    """The mean loss of every run over its batch, (runs,)."""
    if outputs.device.type != "cpu":  # bits are promised on a CPU only
        return example_losses(outputs, targets, loss).mean(1)
    losses: Tensor = _MeanLosses.apply(outputs, targets, loss)
    return losses


def hits(outputs: Tensor, targets: Tensor, loss: Loss = "cross_entropy") -> Tensor:
    """How many examples, or under ``bce`` how many labels, each run gets right: (runs,), int64."""
    if loss == "cross_entropy":
        return (outputs.argmax(1) == targets).sum(1)
    return ((outputs > 0) == (targets.mT > 0.5)).sum((1, 2))


# One operation that a compiler leaves as it is: exp and log are rounded otherwise where a loop's
# last elements do not fill a vector, and which those are depends on the number of runs.


def _mean_losses(outputs: Tensor, targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """The mean losses, (runs,), and their gradient."""
    if loss == "cross_entropy":
        return _mean_cross_entropy(outputs, targets)
    outputs, targets = outputs.contiguous(), targets.mT.contiguous()
    if loss == "mse":
        off = outputs - targets
        return (off * off).flatten(1).mean(1), off * (2 / off[0].numel())
    terms = as_alone(_binary_cross_entropy, outputs, targets)
    gradient = (as_alone(torch.sigmoid, outputs) - targets) / outputs[0].numel()
    return terms.flatten(1).mean(1), gradient


def _mean_cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Of which the gradient is ``(softmax - 1[label]) / batch``."""
    scores = torch.log_softmax(logits, 1)
    right = labels.unsqueeze(1)
    losses = -scores.gather(1, right).squeeze(1).mean(1)
    share = torch.zeros_like(scores).scatter_(1, right, -1 / labels.shape[1])
    gradient = torch.ops.aten._log_softmax_backward_data(share, scores, 1, scores.dtype)
    return losses, gradient


def _binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _mean_losses_shape(outputs: Tensor, targets: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    return outputs.new_empty(len(outputs)), torch.empty_like(outputs)


torch.library.define(
    "regsweep::mean_losses", "(Tensor outputs, Tensor targets, str loss) -> (Tensor, Tensor)"
)
torch.library.impl("regsweep::mean_losses", "CPU", _mean_losses)
torch.library.register_fake("regsweep::mean_losses", _mean_losses_shape)


class _MeanLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, outputs: Tensor, targets: Tensor, loss: Loss) -> Tensor:
        losses: Tensor
        losses, gradient = torch.ops.regsweep.mean_losses(outputs, targets, loss)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, of_losses: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * of_losses.view(-1, 1, 1), None, None
