"""One step of a pack: forward, backward, penalties and optimizer, for all runs at once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from regsweep.data.dataset import Examples, scale
from regsweep.records.task import Loss
from regsweep.training.dropout import INPUTS, dropped
from regsweep.training.forward import forward
from regsweep.training.loss import hits, mean_losses
from regsweep.training.mixup import Mixed
from regsweep.training.network import Network
from regsweep.training.optimizer import PackOptimizer
from regsweep.training.own_penalty import OwnPenalty, own_penalties
from regsweep.training.penalty import PackCoefficients
from regsweep.training.state import State


@dataclass(frozen=True)
class Totals:
    """The sums of an epoch over its batches: mean losses and hits of every run, (runs,)."""

    losses: Tensor
    hits: Tensor

    def tensors(self) -> tuple[Tensor, Tensor]:
        """All that a step moves in place."""
        return self.losses, self.hits


def new_totals(runs: int, device: torch.device) -> Totals:
    """Zeros: losses in float64, hits in int64."""
    return Totals(
        losses=torch.zeros(runs, dtype=torch.float64, device=device),
        hits=torch.zeros(runs, dtype=torch.int64, device=device),
    )


def gather(examples: Examples, indices: Tensor) -> tuple[Tensor, Tensor]:
    """The inputs, scaled, and targets of a batch: (runs, batch, *shape), each as its shape is.

    ``indices`` are those of the batch in ``examples``: (runs, batch), or (1, batch) where all
    runs share it.
    """
    flat = indices.flatten()
    # index_select copies rows of bytes; indexing is 7 times slower here.
    inputs = scale(examples.inputs.index_select(0, flat))
    targets = examples.targets.index_select(0, flat)
    return inputs.view(*indices.shape, *inputs.shape[1:]), targets.view(
        *indices.shape, *targets.shape[1:]
    )


def train_step(
    network: Network,
    state: State,
    optimizer: PackOptimizer,
    coefficients: PackCoefficients,
    penalty: OwnPenalty | None,
    inputs: Tensor,
    targets: Tensor,
    totals: Totals,
    loss: Loss = "cross_entropy",
    weights: Tensor | None = None,
    mixed: Mixed | None = None,
) -> Tensor:
    """Move ``state`` and ``totals`` in place; the mean losses before the step, (runs,).

    Parameters require gradients; ``inputs`` and ``targets`` are those of ``gather``, or ``mixed``.
    The losses are summed over the runs, so that each run gets its own gradient and no other. With
    ``weights`` of the classes, or smoothing, those are trained on that are weighted and smoothed,
    and told those that are not. Of mixed examples there are no hits.
    """
    parameters = state.parameters
    if state.noise is not None:
        state.noise.step.add_(1)
        if coefficients.input_p is not None:
            inputs = dropped(inputs, coefficients.input_p, state.noise, INPUTS)
    outputs = forward(network, state, inputs, coefficients.p)
    targets = targets.expand(len(totals.losses), *targets.shape[1:])

    def means(weights: Tensor | None, smoothing: Tensor | None) -> Tensor:
        own = mean_losses(outputs, targets, loss, weights, smoothing)
        if mixed is None:
            return own
        others = mixed.targets.expand_as(targets)
        other = mean_losses(outputs, others, loss, weights, smoothing)
        return mixed.shares * own + (1 - mixed.shares) * other

    losses, smoothing = means(None, None), coefficients.smoothing
    plain = weights is None and smoothing is None
    trained_on = losses if plain else means(weights, smoothing)
    if penalty is not None:
        trained_on = trained_on + own_penalties(penalty, parameters)
    # Not torch.func.grad, which costs an eager step of one small run as much again.
    gradients = torch.autograd.grad(
        trained_on.sum(), list(parameters.values()), allow_unused=network.way != "layers"
    )
    with torch.no_grad():
        named = {
            name: _own(gradient, parameters[name], network)
            for name, gradient in zip(parameters, gradients, strict=True)
        }
        optimizer.step(parameters, named, coefficients)
        totals.losses.add_(losses)
        if loss != "mse" and mixed is None:
            totals.hits.add_(hits(outputs, targets, loss))
    return losses.detach()


def _own(gradient: Tensor | None, parameter: Tensor, network: Network) -> Tensor:
    """The gradient in memory of its own: those of two parameters that are added are one tensor."""
    if gradient is None:
        return torch.zeros_like(parameter)
    return gradient.clone() if network.way == "vmapped" else gradient
