"""One step of a pack: gather, forward, backward, penalties and optimizer, for all runs at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Examples, scale
from regsweep.training.fused import example_losses, fused_forward, hits
from regsweep.training.optimizer import PackOptimizer
from regsweep.training.penalty import PackCoefficients


@dataclass(frozen=True)
class Totals:
    """The sums of an epoch over its batches: mean losses and hits of every run, (runs,)."""

    losses: Tensor
    hits: Tensor


def new_totals(runs: int, device: torch.device) -> Totals:
    """Zeros: losses in float64, hits in int64."""
    return Totals(
        losses=torch.zeros(runs, dtype=torch.float64, device=device),
        hits=torch.zeros(runs, dtype=torch.int64, device=device),
    )


def train_step(
    network: nn.Sequential,
    parameters: Mapping[str, Tensor],
    optimizer: PackOptimizer,
    coefficients: PackCoefficients,
    examples: Examples,
    indices: Tensor,
    totals: Totals,
) -> Tensor:
    """Move ``parameters`` and ``totals`` in place; the mean losses before the step, (runs,).

    ``parameters`` require gradients.

    ``indices`` are those of the batch in ``examples``: (runs, batch), or (1, batch) where all
    runs share it. The losses are summed over the runs, so that each run gets its own gradient
    and no other.
    """
    images, labels = scale(examples.images[indices]), examples.labels[indices]
    logits = fused_forward(network, parameters, images)
    losses = example_losses(logits, labels.expand(len(totals.losses), -1)).mean(1)
    # Not torch.func.grad, which costs an eager step of one small run as much again.
    gradients = torch.autograd.grad(losses.sum(), list(parameters.values()))
    with torch.no_grad():
        named = dict(zip(parameters, gradients, strict=True))
        optimizer.step(parameters, named, coefficients)
        totals.losses.add_(losses)
        totals.hits.add_(hits(logits, labels))
    return losses.detach()
