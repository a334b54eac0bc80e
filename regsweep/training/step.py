"""One step of a pack: forward, backward, penalties and optimizer, for all runs at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Examples, scale
from regsweep.records.task import Loss
from regsweep.training.fused import fused_forward
from regsweep.training.loss import hits, mean_losses
from regsweep.training.optimizer import PackOptimizer
from regsweep.training.penalty import PackCoefficients


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
    network: nn.Sequential,
    parameters: Mapping[str, Tensor],
    optimizer: PackOptimizer,
    coefficients: PackCoefficients,
    inputs: Tensor,
    targets: Tensor,
    totals: Totals,
    loss: Loss = "cross_entropy",
    weights: Tensor | None = None,
) -> Tensor:
    """Move ``parameters`` and ``totals`` in place; the mean losses before the step, (runs,).

    ``parameters`` require gradients; ``inputs`` and ``targets`` are those of ``gather``. The
    losses are summed over the runs, so that each run gets its own gradient and no other. With
    ``weights`` of the classes those are trained on that are weighted, and told those that are not.
    """
    outputs = fused_forward(network, parameters, inputs)
    targets = targets.expand(len(totals.losses), *targets.shape[1:])
    losses = mean_losses(outputs, targets, loss)
    trained_on = losses if weights is None else mean_losses(outputs, targets, loss, weights)
    # Not torch.func.grad, which costs an eager step of one small run as much again.
    gradients = torch.autograd.grad(trained_on.sum(), list(parameters.values()))
    with torch.no_grad():
        named = dict(zip(parameters, gradients, strict=True))
        optimizer.step(parameters, named, coefficients)
        totals.losses.add_(losses)
        if loss != "mse":
            totals.hits.add_(hits(outputs, targets, loss))
    return losses.detach()
