"""Networks as users write them, by the names that tests choose them by."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    """A skip over each of two blocks: norm, linear, activation, dropout, linear."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        norm: Callable[[int], nn.Module] = nn.LayerNorm,
        activation: Callable[[], nn.Module] = nn.GELU,
        dropout: float = 0.0,
        width: int = 32,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                norm(width),
                nn.Linear(width, width),
                activation(),
                nn.Dropout(dropout),
                nn.Linear(width, width),
            )
            for _ in range(2)
        )
        self.last = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x.flatten(1))
        for block in self.blocks:
            h = h + block(h)
        output: Tensor = self.last(h)
        return output


class Convolutional(nn.Module):
    """Two convolutions with group norm, pooled; dropout of whole channels."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding="same"),
            nn.GroupNorm(2, 8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, stride=2, bias=False),
            nn.BatchNorm2d(16),
            nn.SiLU(),
            nn.Dropout2d(0.1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.layers(x.unsqueeze(1))
        return output


class Tied(nn.Module):
    """One layer used twice under two names, no bias anywhere, two paths that are joined."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, 16, bias=False)
        self.inner = nn.Linear(16, 16, bias=False)
        self.again = self.inner
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.last = nn.Linear(32, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x.flatten(1)))
        deep = torch.tanh(self.again(F.softplus(self.inner(h))))
        output: Tensor = self.last(torch.cat([h, deep * self.scale], dim=1))
        return output


class Added(nn.Module):
    """Two parameters that are added, so that they have one gradient; one that is summed."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(inputs))
        self.two = nn.Parameter(torch.full((inputs,), 2.0))
        self.shift = nn.Parameter(torch.zeros(5))
        self.last = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.last(x.flatten(1) * (self.one + self.two)) + self.shift.sum()
        return output


class Embedded(nn.Module):
    """Whole numbers looked up in a table; a buffer that is assigned anew at every step."""

    steps: Tensor

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.table = nn.Embedding(256, 4)
        self.register_buffer("steps", torch.tensor(0))
        self.mixed = nn.Linear(4, 16)
        self.last = nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.steps = self.steps + 1
        looked_up = self.table((x.flatten(1)[:, ::16] * 255).long())
        output: Tensor = self.last(torch.sigmoid(self.mixed(looked_up.mean(1))))
        return output


class Recurrent(nn.Module):
    """An LSTM over the rows of an image, with dropout between its layers."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.rows = nn.LSTM(inputs, 12, num_layers=2, dropout=dropout, batch_first=True)
        self.last = nn.Linear(12, outputs)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rows(x)
        output: Tensor = self.last(states[:, -1])
        return output


ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    lambda: nn.GELU("tanh"),
    nn.SiLU,
    nn.Mish,
    nn.Softplus,
    nn.Softsign,
    nn.Softshrink,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Tanh,
    nn.Tanhshrink,
    nn.Sigmoid,
    nn.LogSigmoid,
)
