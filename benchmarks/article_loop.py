"""The article's training loop as it stands there: a DataLoader with one worker, run after run.

``python -m benchmarks.article_loop --runs N --batch-size B --epochs E --images I``
trains N networks, each on the first I images, with the article's L2 penalty at weights from 1e-6
to 1e-2.

What the article fixes and is an argument here: batch size, epochs, learning rate, seed, and the
penalty's weight. As there, nothing is measured after training.
"""

import argparse
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from regsweep.data.source import default_root


class MLP(nn.Module):
    """Multilayer Perceptron."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28 * 1, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, 10),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Forward pass."""
        logits: Tensor = self.layers(x)
        return logits

    def compute_l1_loss(self, w: Tensor) -> Tensor:
        """Sum of |w|."""
        return torch.abs(w).sum()

    def compute_l2_loss(self, w: Tensor) -> Tensor:
        """Sum of w^2."""
        return torch.square(w).sum()


def mnist(*, train: bool) -> MNIST:
    """MNIST as the article reads it: decoded and scaled image by image, (1, 28, 28)."""
    return MNIST(
        default_root().expanduser(), train=train, download=True, transform=transforms.ToTensor()
    )


def train(
    dataset: Dataset[tuple[Tensor, int]],
    penalty: Literal["l1", "l2"],
    weight: float,
    *,
    seed: int,
    lr: float,
    batch_size: int,
    epochs: int,
) -> MLP:
    """The article's script for one penalty, from its seed to the end of its last epoch."""
    torch.manual_seed(seed)
    trainloader = DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=1)
    mlp = MLP()
    compute_penalty = mlp.compute_l1_loss if penalty == "l1" else mlp.compute_l2_loss
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(mlp.parameters(), lr=lr)
    for epoch in range(epochs):
        print(f"Starting epoch {epoch + 1}")
        for i, data in enumerate(trainloader, 0):
            inputs, targets = data
            optimizer.zero_grad()
            outputs = mlp(inputs)
            loss = loss_function(outputs, targets)
            parameters = []
            for parameter in mlp.parameters():
                parameters.append(parameter.view(-1))
            term = weight * compute_penalty(torch.cat(parameters))
            loss += term
            loss.backward()
            optimizer.step()
            minibatch_loss = loss.item()
            if i % 500 == 499:
                print(f"Loss after mini-batch {i + 1:5d}: {minibatch_loss:.5f} ({term:.5f})")
    return mlp


def main() -> None:
    """Train one network after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--runs", "--batch-size", "--epochs", "--images"):
        parser.add_argument(name, type=int, required=True)
    work = parser.parse_args()
    images = Subset(mnist(train=True), range(work.images))
    for run in range(work.runs):
        train(
            images,
            "l2",
            10 ** (-6 + 4 * run / work.runs),
            seed=run,
            lr=1e-3,
            batch_size=work.batch_size,
            epochs=work.epochs,
        )


if __name__ == "__main__":
    main()
