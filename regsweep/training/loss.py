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
    terms = _terms(outputs, targets, loss)
    return terms if loss == "cross_entropy" else terms.mean(1)


def mean_losses(
    outputs: Tensor,
    targets: Tensor,
    loss: Loss = "cross_entropy",
    weights: Tensor | None = None,
    smoothing: Tensor | None = None,
) -> Tensor:
    """The mean loss of every run over its batch, (runs,).

    With ``weights``, those of ``class_weights``, each example, or under ``bce`` each of its labels,
    counts as much as its class weighs. With ``smoothing``, the a of every run, (runs,), targets are

        (1 - a) onehot + a / outputs,  (1 - a) t + a / 2

    of ``cross_entropy`` and ``bce`` (Szegedy et al., 2016); those of ``mse`` stay.
    """
    if outputs.device.type == "cpu":  # bits are promised on a CPU only
        losses: Tensor = _MeanLosses.apply(outputs, targets, loss, weights, smoothing)
        return losses
    terms = _terms(outputs, targets, loss, smoothing)
    if weights is not None:
        terms = terms * _of_each(targets, weights)
    return terms.flatten(1).mean(1)


def class_weights(targets: Tensor, outputs: int) -> Tensor:
    """What a class weighs so that all weigh alike: n / (k n_class), as scikit-learn's ``balanced``.

    Of classes, int64 (n,): (outputs,). Of labels, (n, outputs): (outputs, 2), of those without and
    of those with the label.
    """
    if targets.dtype == torch.int64:
        counts = torch.bincount(targets, minlength=outputs)
        weights = len(targets) / (outputs * counts.clamp(min=1).double())
    else:
        having = targets.sum(0).double()
        counts = torch.stack([len(targets) - having, having], 1)
        weights = len(targets) / (2 * counts.clamp(min=1))
    return weights.float()


def _of_each(targets: Tensor, weights: Tensor) -> Tensor:
    """What each example weighs, (runs, batch), or each of its labels, (runs, outputs, batch)."""
    if weights.dim() == 1:
        return weights[targets]
    without, having = weights[:, :1], weights[:, 1:]
    return torch.where(targets.mT > 0.5, having, without)


def _terms(outputs: Tensor, targets: Tensor, loss: Loss, smoothing: Tensor | None = None) -> Tensor:
    """The loss of every example, (runs, batch), or of each of its outputs."""
    if loss == "cross_entropy":
        own = cross_entropy(outputs, targets, reduction="none")
        if smoothing is None:
            return own
        of_all = -torch.log_softmax(outputs, 1).mean(1)
        return own + smoothing.unsqueeze(1) * (of_all - own)
    form = binary_cross_entropy_with_logits if loss == "bce" else mse_loss
    return form(outputs, _smoothed(targets, loss, smoothing).mT, reduction="none")


def _smoothed(targets: Tensor, loss: Loss, smoothing: Tensor | None) -> Tensor:
    """The targets of ``bce`` and ``mse``, (runs, batch, outputs), that are trained on."""
    if loss == "mse" or smoothing is None:
        return targets
    amount = smoothing.view(-1, 1, 1)
    return targets * (1 - amount) + amount / 2


def hits(outputs: Tensor, targets: Tensor, loss: Loss = "cross_entropy") -> Tensor:
    """How many examples, or under ``bce`` how many labels, each run gets right: (runs,), int64."""
    if loss == "cross_entropy":
        return (outputs.argmax(1) == targets).sum(1)
    return ((outputs > 0) == (targets.mT > 0.5)).sum((1, 2))


# One operation that a compiler leaves as it is: exp and log are rounded otherwise where a loop's
# last elements do not fill a vector, and which those are depends on the number of runs.


def _mean_losses(
    outputs: Tensor,
    targets: Tensor,
    loss: Loss,
    weights: Tensor | None,
    smoothing: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The mean losses, (runs,), and their gradient."""
    each = None if weights is None else _of_each(targets, weights)
    if loss == "cross_entropy":
        return _mean_cross_entropy(outputs, targets, each, smoothing)
    outputs = outputs.contiguous()
    targets = _smoothed(targets, loss, smoothing).mT.contiguous()
    if loss == "mse":
        off = outputs - targets
        return (off * off).flatten(1).mean(1), off * (2 / off[0].numel())
    terms = as_alone(_binary_cross_entropy, outputs, targets)
    gradient = (as_alone(torch.sigmoid, outputs) - targets) / outputs[0].numel()
    if each is not None:
        terms, gradient = terms * each, gradient * each
    return terms.flatten(1).mean(1), gradient


def _mean_cross_entropy(
    logits: Tensor, labels: Tensor, each: Tensor | None, smoothing: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Of which the gradient is ``(softmax - target) / batch``, times what ``each`` weighs.

    The target is ``1[label]``, or smoothed.
    """
    scores = torch.log_softmax(logits, 1)
    right = labels.unsqueeze(1)
    picked = scores.gather(1, right).squeeze(1)
    share = torch.zeros_like(scores)
    if each is None:
        share.scatter_(1, right, -1 / labels.shape[1])
    else:
        share.scatter_(1, right, (each / -labels.shape[1]).unsqueeze(1))
    if smoothing is not None:
        amount = smoothing.unsqueeze(1)
        picked = picked + amount * (scores.mean(1) - picked)
        of_all = amount.unsqueeze(2) / logits.shape[1]
        share = share * (1 - amount.unsqueeze(2)) + share.sum(1, keepdim=True) * of_all
    if each is not None:
        picked = picked * each
    losses = -picked.mean(1)
    gradient = torch.ops.aten._log_softmax_backward_data(share, scores, 1, scores.dtype)
    return losses, gradient


def _binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(logits, targets, reduction="none")


def _mean_losses_shape(
    outputs: Tensor,
    targets: Tensor,
    loss: Loss,
    weights: Tensor | None,
    smoothing: Tensor | None,
) -> tuple[Tensor, Tensor]:
    return outputs.new_empty(len(outputs)), torch.empty_like(outputs)


torch.library.define(
    "regsweep::mean_losses",
    "(Tensor outputs, Tensor targets, str loss, Tensor? weights, Tensor? smoothing) "
    "-> (Tensor, Tensor)",
)
torch.library.impl("regsweep::mean_losses", "CPU", _mean_losses)
torch.library.register_fake("regsweep::mean_losses", _mean_losses_shape)


class _MeanLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        outputs: Tensor,
        targets: Tensor,
        loss: Loss,
        weights: Tensor | None,
        smoothing: Tensor | None,
    ) -> Tensor:
        losses: Tensor
        losses, gradient = torch.ops.regsweep.mean_losses(
            outputs, targets, loss, weights, smoothing
        )
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, of_losses: Tensor) -> tuple[Tensor, None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * of_losses.view(-1, 1, 1), None, None, None, None
