"""Dropout of all runs at once: each leaves out its own share of the same random numbers.

    x <- x / (1 - p) with probability 1 - p, else 0

Source: Srivastava et al. (2014), "Dropout: a simple way to prevent neural networks from
overfitting"; scaled in training, as PyTorch does, so that nothing is scaled afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regsweep.training.noise import Noise, random_bits

# The draw for the inputs of a network; those within it count from 0.
INPUTS = -1


@dataclass(frozen=True)
class Rates:
    """The p of every run of a pack, as a mask needs it: both (runs,).

    A number is left out where its 32 random bits are below ``threshold``, int64, and else times
    ``scale``, float32.
    """

    threshold: Tensor
    scale: Tensor


def pack_rates(shares: Sequence[float], device: torch.device) -> Rates:
    """Of the p of every run, each from 0 to below 1; of 0 nothing is changed."""
    return Rates(
        torch.tensor([threshold_of(p) for p in shares], device=device),
        torch.tensor([1 / (1 - p) for p in shares], device=device),
    )


def threshold_of(p: float) -> int:
    """32 random bits are below it with probability p."""
    return round(p * 2**32)


def dropped(x: Tensor, rates: Rates, noise: Noise, draw: int) -> Tensor:
    """``x``, (runs, *shape) or (1, *shape), without what each run leaves out: (runs, *shape)."""
    bits = random_bits(noise.keys, noise.step, draw, x.shape[1:])
    each = (-1, *[1] * (x.dim() - 1))
    return torch.where(bits >= rates.threshold.view(each), x * rates.scale.view(each), 0)
