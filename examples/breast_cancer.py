"""Which regularizer does a residual network need on scikit-learn's breast cancer data?

    python breast_cancer.py -m

compares five regularizers: 20 trials each, then every winner on 10 fresh seeds, tested once. Others
are compared as you name them:

    python breast_cancer.py -m regularizer=none,l2,orthogonal model.depth=2,4

Its 569 rows are few: the report says what so few can tell. See ``--help`` for all keys.
"""

from collections.abc import Mapping

import torch
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn

import regsweep


@regsweep.data
def tumors() -> regsweep.Arrays:
    """30 measures of each tumor, and whether it is malignant.

    A data frame is encoded as a CSV file is: numbers are imputed and standardised as the training
    rows have them, text is one-hot encoded. Arrays would be taken as they are.
    """
    table = load_breast_cancer(as_frame=True)
    return regsweep.Arrays(table.data, table.target.map({0: "malignant", 1: "benign"}))


class Block(nn.Module):
    """x + f(x), where f is a linear layer behind batch norm and ReLU (He et al., 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.linear = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, width) in and out."""
        return inputs + self.linear(torch.relu(self.norm(inputs)))


@regsweep.model
def residual(shape: tuple[int, ...], outputs: int, width: int = 128, depth: int = 2) -> nn.Module:
    """``depth`` blocks between two linear layers: (batch, *shape) in, (batch, outputs) out."""
    blocks = [Block(width) for _ in range(depth)]
    return nn.Sequential(
        nn.Linear(shape[0], width), *blocks, nn.BatchNorm1d(width), nn.ReLU(),
        nn.Linear(width, outputs),
    )  # fmt: skip


@regsweep.regularizer(search={"weight": "tag(log, interval(1e-6, 1e-2))"})
def orthogonal(parameters: Mapping[str, Tensor], weight: float = 1e-4) -> Tensor:
    """``weight * sum ||W W' - I||^2`` over the layers (Brock et al., 2017)."""
    penalty = torch.zeros(())
    for matrix in parameters.values():
        products = matrix @ matrix.T
        penalty = penalty + (products - torch.eye(len(products))).square().sum()
    return weight * penalty


if __name__ == "__main__":
    # What holds where the command line says nothing else: 364 rows train, in 11 steps an epoch.
    regsweep.main(
        "data=tumors", "model=residual", "trainer.batch_size=32", "trainer.epochs=50"
    )  # fmt: skip
