"""Loss and score of every run over a whole set."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from regsweep.data.dataset import Examples, scale
from regsweep.training.fused import fused_forward
from regsweep.training.loss import example_losses, hits

CHUNK = 500


@torch.no_grad()
def evaluate(
    network: nn.Sequential, parameters: Mapping[str, Tensor], examples: Examples
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and accuracy over ``examples``, each (runs,) in float64 on the CPU."""
    runs = next(iter(parameters.values())).shape[0]
    device = examples.targets.device
    loss = torch.zeros(runs, dtype=torch.float64, device=device)
    right = torch.zeros(runs, dtype=torch.int64, device=device)
    for inputs, targets in zip(
        torch.split(examples.inputs, CHUNK), torch.split(examples.targets, CHUNK), strict=True
    ):
        logits = fused_forward(network, parameters, scale(inputs).unsqueeze(0))
        targets = targets.expand(runs, -1)
        loss += example_losses(logits, targets).double().sum(1)
        right += hits(logits, targets)
    return (loss / len(examples)).cpu(), (right.double() / len(examples)).cpu()
