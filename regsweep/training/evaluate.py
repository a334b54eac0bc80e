"""Loss and score of every run over a whole set."""

import torch
from torch import Tensor

from regsweep.data.dataset import Examples, scale
from regsweep.training.forward import forward
from regsweep.training.loss import example_losses, hits
from regsweep.training.network import Network, measuring
from regsweep.training.state import State

CHUNK = 500


@torch.no_grad()
def evaluate(network: Network, state: State, examples: Examples) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy over ``examples``, each (runs,) in float64 on the CPU."""
    runs = next(iter(state.parameters.values())).shape[0]
    device = examples.targets.device
    loss = torch.zeros(runs, dtype=torch.float64, device=device)
    right = torch.zeros(runs, dtype=torch.int64, device=device)
    with measuring(network):
        for inputs, targets in zip(
            torch.split(examples.inputs, CHUNK), torch.split(examples.targets, CHUNK), strict=True
        ):
            logits = forward(network, state, scale(inputs).unsqueeze(0))
            targets = targets.expand(runs, -1)
            loss += example_losses(logits, targets).double().sum(1)
            right += hits(logits, targets)
    return (loss / len(examples)).cpu(), (right.double() / len(examples)).cpu()
