"""Loss and score of every run over a whole set."""

import torch
from torch import Tensor

from regsweep.data.dataset import Examples, scale
from regsweep.records.task import ACCURACY, TASKS, Task
from regsweep.training.forward import forward
from regsweep.training.loss import example_losses, hits
from regsweep.training.network import Network, measuring
from regsweep.training.score import score_of
from regsweep.training.state import State

CHUNK = 500


@torch.no_grad()
def evaluate(
    network: Network,
    state: State,
    examples: Examples,
    task: Task = TASKS["classification"],
    rows: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean loss and score of the ``task`` over ``examples``, each (runs,) float64 on the CPU.

    ``rows``, (runs, n) float32, is filled with the loss of every example, where it is given; the
    mean loss is their mean.
    """
    runs = next(iter(state.parameters.values())).shape[0]
    device = examples.targets.device
    loss = torch.zeros(runs, dtype=torch.float64, device=device)
    right = torch.zeros(runs, dtype=torch.int64, device=device)
    kept, first = [], 0
    with measuring(network):
        for inputs, targets in zip(
            torch.split(examples.inputs, CHUNK), torch.split(examples.targets, CHUNK), strict=True
        ):
            outputs = forward(network, state, scale(inputs).unsqueeze(0))
            targets = targets.expand(runs, *targets.shape)
            losses = example_losses(outputs, targets, task.loss)
            loss += losses.double().sum(1)
            if rows is not None:
                rows[:, first : first + losses.shape[1]] = losses
                first += losses.shape[1]
            if task.score == ACCURACY:
                right += hits(outputs, targets, task.loss)
            else:
                kept.append(outputs)
    if task.score == ACCURACY:
        score = right.double() / examples.targets.numel()
    else:
        score = score_of(task.score, torch.cat(kept, 2), examples.targets)
    return (loss / len(examples)).cpu(), score.cpu()
