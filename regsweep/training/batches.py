"""The shuffled batches of every run of a pack."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from regsweep.data.dataset import Examples, scale

# Keeps the stream of shuffles apart from the stream of initial weights, which is the seed itself.
ORDER_STREAM = 0x5EED_0BDE_5A17


class Shuffler:
    """A new order of the examples every epoch, for each run from its own generator.

    Runs of equal seed see equal batches. They are gathered once and shared by all runs of that
    seed; the last, partial batch of an epoch is dropped.
    """

    def __init__(self, seeds: Sequence[int], examples: Examples, batch_size: int) -> None:
        self.examples = examples
        self.batch_size = batch_size
        self.steps = len(examples) // batch_size
        self.generators = {
            seed: torch.Generator().manual_seed(seed ^ ORDER_STREAM)
            for seed in dict.fromkeys(seeds)
        }
        self.lanes = [list(self.generators).index(seed) for seed in seeds]

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (runs, batch, 28, 28) in [0, 1] and labels (runs, batch), batch by batch."""
        count = self.steps * self.batch_size
        orders = torch.stack(
            [
                torch.randperm(len(self.examples), generator=generator)[:count]
                for generator in self.generators.values()
            ]
        ).to(self.examples.labels.device)
        for indices in torch.split(orders, self.batch_size, dim=1):
            images = scale(self.examples.images[indices])
            labels = self.examples.labels[indices]
            yield self._deal(images), self._deal(labels)

    def _deal(self, lanes: Tensor) -> Tensor:
        """(seeds, batch, ...) to (runs, batch, ...); a single seed is expanded, not copied."""
        if len(self.generators) == 1:
            return lanes.expand(len(self.lanes), *lanes.shape[1:])
        return lanes[self.lanes]
