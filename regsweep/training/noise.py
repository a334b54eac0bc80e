"""Random numbers of a run: a function of its seed, the step, the draw and the place, no state.

So a run draws the same numbers alone, in every pack and after a resume. Counter-based, as Salmon
et al. (2011), "Parallel random numbers: as easy as 1, 2, 3"; the mixing of 32 bits is Wellons'
"triple32" family's two-round hash, whose constants lie below 2^31, so that products of 32-bit
numbers fit the int64 that they are computed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Keeps the stream of noise apart from those of the initial weights and the shuffles.
NOISE_STREAM = 0x5EED_D209_0075
_BITS = 0xFFFFFFFF


@dataclass(frozen=True)
class Noise:
    """The streams of a pack: two ``keys`` of each run, (runs, 2), and the ``step``, (1,), int64."""

    keys: Tensor
    step: Tensor


def new_noise(seeds: Sequence[int], device: torch.device) -> Noise:
    """The streams of runs with these ``seeds``, before their first step."""
    keys = stream_keys(seeds, NOISE_STREAM).to(device)
    return Noise(keys, torch.zeros(1, dtype=torch.int64, device=device))


def shared_noise(seeds: Sequence[int], device: torch.device) -> Noise:
    """As ``new_noise``, drawn once where all runs have one seed: the keys are then (1, 2)."""
    return new_noise(seeds[:1] if len(set(seeds)) == 1 else seeds, device)


def stream_keys(seeds: Sequence[int], stream: int) -> Tensor:
    """Two keys of each run, (runs, 2), in one of its streams."""
    streams = [seed ^ stream for seed in seeds]
    return _mixed(torch.tensor([[own & _BITS, (own >> 32) & _BITS] for own in streams]))


def random_bits(keys: Tensor, step: Tensor | int, draw: int, shape: Sequence[int]) -> Tensor:
    """32 random bits for each place of ``shape``, as int64 in [0, 2^32).

    Of one run's ``keys``, (2,), or (runs, *shape) of those of several, (runs, 2).
    """
    places = torch.arange(torch.Size(shape).numel(), device=keys.device)
    first = _mixed((keys[..., 0:1] + step) & _BITS)
    second = _mixed((keys[..., 1:2] + first + draw) & _BITS)
    return _mixed(_mixed(places ^ first) ^ second).view(*keys.shape[:-1], *shape)


def _mixed(x: Tensor) -> Tensor:
    """A bijection of 32-bit numbers that spreads every bit over all."""
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & _BITS
    x = ((x ^ (x >> 15)) * 0x735A2D97) & _BITS
    return x ^ (x >> 15)
