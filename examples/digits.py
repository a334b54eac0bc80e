"""Which regularizer does a small convolutional network need on scikit-learn's 8x8 digits?

    python digits.py -m

compares five regularizers; ``--help`` shows all choices and keys.
"""

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

import regsweep


@regsweep.data
def images() -> regsweep.Arrays:
    """1,797 images of handwritten digits, (1, 8, 8), from 0 to 1."""
    digits = load_digits()
    return regsweep.Arrays((digits.images[:, None] / 16).astype(np.float32), digits.target)


@regsweep.model
def convolutional(
    shape: tuple[int, ...], outputs: int, channels: tuple[int, ...] = (16, 32), groups: int = 4
) -> nn.Module:
    """3x3 convolutions with group norm and ReLU, halved by pooling, then one linear layer.

    (batch, channels, height, width) in, (batch, outputs) out.
    """
    depth, height, width = shape
    layers: list[nn.Module] = []
    for deeper in channels:
        layers += [
            nn.Conv2d(depth, deeper, 3, padding=1), nn.GroupNorm(groups, deeper), nn.ReLU(),
            nn.MaxPool2d(2),
        ]  # fmt: skip
        depth, height, width = deeper, height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(depth * height * width, outputs))


if __name__ == "__main__":
    regsweep.main("data=images", "model=convolutional", "trainer.batch_size=32")
