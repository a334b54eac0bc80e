"""The cross-entropy of every run, and who is right."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every example, (runs, batch), from logits (runs, classes, batch)."""
    return cross_entropy(logits, labels, reduction="none")


def mean_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of every run over its batch, (runs,)."""
    if logits.device.type != "cpu":  # bits are promised on a CPU only
        return example_losses(logits, labels).mean(1)
    losses: Tensor = _MeanLosses.apply(logits, labels)
    return losses


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """How many examples each run gets right, (runs,), int64."""
    return (logits.argmax(1) == labels).sum(1)


# One operation that a compiler leaves as it is: exp and log are rounded otherwise where a loop's
# last elements do not fill a vector, and which those are depends on the number of runs.


def _mean_losses(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The mean losses, (runs,), and their gradient: ``(softmax - 1[label]) / batch``."""
    scores = torch.log_softmax(logits, 1)
    right = labels.unsqueeze(1)
    losses = -scores.gather(1, right).squeeze(1).mean(1)
    share = torch.zeros_like(scores).scatter_(1, right, -1 / labels.shape[1])
    gradient = torch.ops.aten._log_softmax_backward_data(share, scores, 1, scores.dtype)
    return losses, gradient


def _mean_losses_shape(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    return logits.new_empty(len(logits)), torch.empty_like(logits)


torch.library.define("regsweep::mean_losses", "(Tensor logits, Tensor labels) -> (Tensor, Tensor)")
torch.library.impl("regsweep::mean_losses", "CPU", _mean_losses)
torch.library.register_fake("regsweep::mean_losses", _mean_losses_shape)


class _MeanLosses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        losses: Tensor
        losses, gradient = torch.ops.regsweep.mean_losses(logits, labels)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, of_losses: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * of_losses.view(-1, 1, 1), None
