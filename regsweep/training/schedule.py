"""The learning rates of a pack: those of every run at every step of an epoch."""

from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor

from regsweep.settings.run import Run


def epoch_rates(runs: Sequence[Run], epoch: int, steps: int) -> Tensor | None:
    """The learning rate at each of the ``steps`` of the epoch, as (steps, runs) in float32.

    ``None`` where every run keeps its own from the first step to the last. Each is computed in
    float64, as ``torch.optim.lr_scheduler`` does.
    """
    schedules = [(run.trainer.schedule, run.trainer.warmup) for run in runs]
    if set(schedules) == {("constant", 0.0)}:
        return None
    total = runs[0].trainer.epochs * steps
    shares = {one: _shares(*one, (epoch - 1) * steps, steps, total) for one in set(schedules)}
    columns = [run.optimizer.lr * shares[one] for run, one in zip(runs, schedules, strict=True)]
    return torch.stack(columns, dim=1).float()


def _shares(schedule: str, warmup: float, first: int, steps: int, total: int) -> Tensor:
    """What is taken of the learning rate at the ``steps`` from ``first`` on, of ``total``.

    In n steps of warm-up it grows evenly, from 1 / (n + 1) of it, to be whole at step n. What is
    left then falls to 0, where it would be at the step behind the last.
    """
    warm = round(warmup * total)
    at = torch.arange(first, first + steps, dtype=torch.float64)
    done = (at - warm) / max(1, total - warm)
    falling = {
        "constant": torch.ones_like(at),
        "cosine": (1 + torch.cos(pi * done)) / 2,
        "linear": 1 - done,
    }[schedule]
    return torch.where(at < warm, (at + 1) / (warm + 1), falling)
