"""Mixup: each example of a batch mixed with another one of it.

    x <- lam x + (1 - lam) x',  loss <- lam loss(y) + (1 - lam) loss(y'),  lam ~ Beta(alpha, alpha)

One lam a batch; the others, x' and y', are the batch in another order.

Source: Zhang et al. (2018), "mixup: beyond empirical risk minimization".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regsweep.settings.run import Run
from regsweep.training.noise import random_bits, stream_keys

# Keeps the stream of mixing apart from that of noise.
MIXING_STREAM = 0x5EED_A1FA_0B17


@dataclass(frozen=True)
class Mixing:
    """How each batch of an epoch is mixed: ``shares``, lam, (steps, runs), and ``others``.

    Those are places in the batch, (steps, runs, batch), or (steps, 1, batch) where all runs share
    a seed.
    """

    shares: Tensor
    others: Tensor


@dataclass(frozen=True)
class Mixed:
    """What is in a mixed batch beside its own examples: the ``targets`` of the others.

    ``shares`` is what each run takes of its own examples, lam, (runs,).
    """

    targets: Tensor
    shares: Tensor


def epoch_mixing(
    runs: Sequence[Run], epoch: int, steps: int, device: torch.device
) -> Mixing | None:
    """What the ``runs``, which mix all or none, draw for an epoch; ``None`` where they mix none.

    A function of each run's seed, its alpha, and the epoch. Of equal seeds the others are equal,
    and lam is at the same quantile of its distribution.
    """
    alphas = [run.regularizer.coefficients().alpha for run in runs]
    if None in alphas:
        return None
    seeds = [run.seed for run in runs]
    lanes = seeds[:1] if len(set(seeds)) == 1 else seeds
    shape = (steps, runs[0].trainer.batch_size + 1)
    bits = random_bits(stream_keys(lanes, MIXING_STREAM), epoch, 0, shape)
    quantiles = ((bits[..., 0].double() + 0.5) / 2**32).expand(len(runs), -1)
    shares = [_beta(alpha or 0.0, own) for alpha, own in zip(alphas, quantiles, strict=True)]
    others = bits[..., 1:].argsort(dim=-1, stable=True).transpose(0, 1)
    return Mixing(torch.stack(shares, dim=1).float().to(device), others.contiguous().to(device))


def _beta(alpha: float, quantiles: Tensor) -> Tensor:
    """Beta(alpha, alpha) at its ``quantiles``, float64; of alpha 0 it is 1."""
    from scipy.special import betaincinv  # loaded where it is used alone

    if alpha == 0:
        return torch.ones_like(quantiles)
    return torch.from_numpy(betaincinv(alpha, alpha, quantiles.numpy()))


def mix(inputs: Tensor, targets: Tensor, mixing: Mixing, step: int) -> tuple[Tensor, Tensor, Mixed]:
    """Batch ``step`` of an epoch, as ``gather`` gives it, and what is mixed in.

    The inputs then are (runs, batch, *shape); the targets are left as they are.
    """
    shares, others = mixing.shares[step], mixing.others[step]
    each = shares.view(-1, *[1] * (inputs.dim() - 1))
    mixed = inputs * each
    mixed += _in_order(inputs, others) * (1 - each)
    return mixed, targets, Mixed(_in_order(targets, others), shares)


def _in_order(rows: Tensor, places: Tensor) -> Tensor:
    """``rows``, (lanes, batch, ...), in the order of each lane's ``places``, (lanes, batch)."""
    first = torch.arange(len(places), device=places.device).unsqueeze(1) * places.shape[1]
    return rows.flatten(0, 1).index_select(0, (first + places).flatten()).view(rows.shape)
