"""The shuffled batches of every run of a pack."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

# Keeps the stream of shuffles apart from the stream of initial weights, which is the seed itself.
ORDER_STREAM = 0x5EED_0BDE_5A17


class Shuffler:
    """A new order of ``count`` examples every epoch, for each run from its own generator.

    Runs of equal seed see equal batches; the last, partial batch of an epoch is dropped.
    """

    def __init__(
        self, seeds: Sequence[int], count: int, batch_size: int, device: torch.device
    ) -> None:
        self.count, self.batch_size, self.device = count, batch_size, device
        self.steps = count // batch_size
        self.generators = {
            seed: torch.Generator().manual_seed(seed ^ ORDER_STREAM)
            for seed in dict.fromkeys(seeds)
        }
        shared = len(self.generators) == 1
        self.lanes = [0] if shared else [list(self.generators).index(seed) for seed in seeds]

    def epoch(self) -> Iterator[Tensor]:
        """The indices of each batch: (runs, batch), or (1, batch) where all runs share a seed."""
        orders = torch.stack(
            [
                torch.randperm(self.count, generator=generator)
                for generator in self.generators.values()
            ]
        )
        whole = orders[self.lanes, : self.steps * self.batch_size].to(self.device)
        yield from torch.split(whole, self.batch_size, dim=1)

    def states(self) -> list[Tensor]:
        """Those of the generators."""
        return [generator.get_state() for generator in self.generators.values()]

    def set_states(self, states: Sequence[Tensor]) -> None:
        """Go on with the epoch before which ``states`` were."""
        for generator, state in zip(self.generators.values(), states, strict=True):
            generator.set_state(state)
