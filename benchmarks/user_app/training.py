"""A hand-written loop that leaves out all that costs time: no DataLoader, fused Adam, no copies."""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchvision.datasets import MNIST

from regsweep.data.source import default_root

VALIDATION = 10_000


@cache
def training_data() -> tuple[Tensor, Tensor]:
    """MNIST's 60,000 training images, (n, 784) in [0, 1], and labels; once a process."""
    mnist = MNIST(default_root().expanduser(), train=True, download=True)
    return mnist.data.flatten(1).float().div_(255), mnist.targets


def build(seed: int) -> nn.Sequential:
    """The MLP 784-64-32-10."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )


def adam(network: nn.Module, lr: float, weight: float) -> torch.optim.Adam:
    """Fused Adam with the L2 penalty ``weight * sum w^2`` of the weights, not of the biases.

    As the optimizer's own decay, whose gradient is ``weight_decay * w``: it costs nothing then.
    """
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    biases = [parameter for parameter in network.parameters() if parameter.dim() == 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": 2 * weight},
        {"params": biases},
    ]
    return torch.optim.Adam(groups, lr=lr, fused=True)


def train_epoch(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    batch_size: int,
) -> None:
    """One pass over ``images`` in a new order, without the last, partial batch."""
    steps = len(images) // batch_size
    order = torch.randperm(len(images), device=images.device)[: steps * batch_size]
    for batch in torch.split(order, batch_size):
        logits = network(images.index_select(0, batch))
        loss = cross_entropy(logits, labels.index_select(0, batch))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def validation_loss(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Mean cross-entropy."""
    return cross_entropy(network(images), labels).item()


def train(
    weight: float, seed: int, lr: float, batch_size: int, epochs: int, train_size: int
) -> float:
    """The validation loss after the last epoch; it is measured after each."""
    torch.set_num_threads(1)
    images, labels = training_data()
    network = build(seed)
    optimizer = adam(network, lr, weight)
    loss = float("nan")
    for _ in range(epochs):
        train_epoch(network, optimizer, images[:train_size], labels[:train_size], batch_size)
        loss = validation_loss(network, images[-VALIDATION:], labels[-VALIDATION:])
    return loss
