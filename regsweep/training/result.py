"""What training a run gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Epoch:
    """One row of ``history.csv``, where the task names the scores.

    Train metrics are means over the epoch's batches, each measured before its step; but where the
    score is no mean over rows, it is measured of all training rows after the epoch. Validation
    metrics are measured after the epoch, ``None`` without validation data. Where the run may stop
    early they are of the rows that judge it, and ``stopping_loss`` is the loss on those that stop
    it; else ``None``.
    """

    epoch: int
    train_loss: float
    train_score: float
    val_loss: float | None
    val_score: float | None
    stopping_loss: float | None = None


@dataclass(frozen=True)
class BatchLoss:
    """The loss of one batch before its step: ``loss`` with penalty, and the penalty's parts.

    ``own_penalty`` is that of a function of the user's, ``group_penalty`` that of groups.
    """

    run: int
    epoch: int
    batch: int
    loss: float
    l1_penalty: float
    l2_penalty: float
    own_penalty: float = 0.0
    group_penalty: float = 0.0


@dataclass(frozen=True)
class Result:
    """How a run ended: its metrics, its learning curve, its weights, its share of the time.

    ``weights`` is the network's ``state_dict``, on the CPU; ``seconds`` is the pack's wall time
    over its width. ``test_losses`` has the loss of each test row, (n,), in the order of the test
    part: their mean is the metric. It is ``None`` without test data.
    """

    status: Literal["completed", "diverged"]
    metrics: Mapping[str, float]
    history: tuple[Epoch, ...]
    weights: Mapping[str, Tensor]
    seconds: float
    test_losses: NDArray[np.float32] | None = None
