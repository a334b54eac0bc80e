"""Early stopping: the weights of every run's best epoch, and who has waited enough for a better."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from regsweep.data.dataset import Dataset, Examples
from regsweep.training.result import Epoch
from regsweep.training.state import State


def halved(data: Dataset) -> tuple[Examples, Examples] | None:
    """The validation rows that may stop a run, and those that judge it then, if there are both."""
    if data.validation is None or data.stopping is None:
        return None
    if data.stopping.all() or not data.stopping.any():
        return None
    return data.validation.at(data.stopping), data.validation.at(~data.stopping)


def best_epoch(history: Sequence[Epoch]) -> int:
    """The epoch, from 1, of the least ``stopping_loss``, which all have; of several the first."""
    return min(history, key=lambda epoch: epoch.stopping_loss or 0.0).epoch


class Stopping:
    """The runs of a pack that stop early: all whose ``patience``, in epochs, is finite.

    Their losses on ``rows`` say when; all else that is told of them, and of those that share a
    search with them and do not stop, is measured on the rows that are their ``judges``. ``kept``
    are parameters and buffers as they were at each run's best epoch.
    """

    def __init__(
        self, patience: Sequence[float], state: State, rows: Examples, judges: Examples
    ) -> None:
        self.patience, self.rows, self.judges = patience, rows, judges
        self.kept = [tensor.detach().clone() for tensor in _weights(state)]

    def stops(self, run: int) -> bool:
        """Whether that run stops early at all."""
        return self.patience[run] < math.inf

    def keep(
        self, history: Sequence[Sequence[Epoch]], state: State, training: Iterable[int]
    ) -> None:
        """Keep the weights of the runs in ``training`` whose last epoch is their best."""
        better = [
            i for i in training if self.stops(i) and best_epoch(history[i]) == len(history[i])
        ]
        # Copied run by run, so that what else a pack holds has no part in it.
        for kept, tensor in zip(self.kept, _weights(state), strict=True):
            places = torch.tensor(better, dtype=torch.int64, device=tensor.device)
            kept[places] = tensor.detach()[places]

    def stopped(self, history: Sequence[Sequence[Epoch]]) -> set[int]:
        """The runs that have been trained for their patience behind their best epoch."""
        return {
            i
            for i, own in enumerate(history)
            if own and self.stops(i) and len(own) - best_epoch(own) >= self.patience[i]
        }

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Give the runs that stop early the weights of their best epoch."""
        own = [i for i in range(len(self.patience)) if self.stops(i)]
        for kept, tensor in zip(self.kept, _weights(state), strict=True):
            places = torch.tensor(own, dtype=torch.int64, device=tensor.device)
            tensor[places] = kept[places]


def _weights(state: State) -> list[Tensor]:
    return [*state.parameters.values(), *state.buffers.values()]
