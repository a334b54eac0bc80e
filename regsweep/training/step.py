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

    ``indices`` are those of the batch in ``examples``: (runs, batch), or (1, batch) where all
    runs share it. The losses are summed over the runs, so that each run gets its own gradient
    and no other.
    """
    images, labels = scale(examples.images[indices]), examples.labels[indices]
    runs = len(totals.losses)

    def total(at: Mapping[str, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        logits = fused_forward(network, at, images)
        losses = example_losses(logits, labels.expand(runs, -1)).mean(1)
        return losses.sum(), (losses, hits(logits, labels))

    losses: Tensor
    gradients, (losses, right) = torch.func.grad(total, has_aux=True)(parameters)
    optimizer.step(parameters, gradients, coefficients)
    totals.losses.add_(losses)
    totals.hits.add_(right)
    return losses
