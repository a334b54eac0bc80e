"""Three networks as users write them, of small data: two of tables, one of images."""

from collections.abc import Callable, Mapping

from torch import Tensor, nn

WIDTH = 128


class BatchNormResidual(nn.Module):
    """A residual network of two blocks with batch norm, for a table."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(WIDTH),
                nn.Linear(WIDTH, WIDTH),
                nn.ReLU(),
                nn.Linear(WIDTH, WIDTH),
            )
            for _ in range(2)
        )
        self.last = nn.Linear(WIDTH, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) to (batch, outputs)."""
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        logits: Tensor = self.last(h)
        return logits


class LayerNormResidual(nn.Module):
    """The same with layer norm, GELU and dropout."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(WIDTH),
                nn.Linear(WIDTH, WIDTH),
                nn.GELU(),
                nn.Dropout(0.1),
                nn.Linear(WIDTH, WIDTH),
            )
            for _ in range(2)
        )
        self.last = nn.Linear(WIDTH, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs) to (batch, outputs)."""
        h = self.first(x)
        for block in self.blocks:
            h = h + block(h)
        logits: Tensor = self.last(h)
        return logits


class GroupNormConvolutional(nn.Module):
    """Two convolutions with group norm and an average over the image, for images in gray."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.GroupNorm(4, 16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.GroupNorm(4, 32),
            nn.ReLU(),
        )
        self.last = nn.Linear(32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, height, width) to (batch, outputs)."""
        h = self.features(x.unsqueeze(1))
        logits: Tensor = self.last(h.mean((2, 3)))
        return logits


# By name, what a study file's functions would be.
NETWORKS: Mapping[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "batch_norm": lambda shape, outputs: BatchNormResidual(shape[0], outputs),
    "layer_norm": lambda shape, outputs: LayerNormResidual(shape[0], outputs),
    "convolutional": lambda shape, outputs: GroupNormConvolutional(outputs),
}
# The sets of scikit-learn that they are trained on.
DATASETS: Mapping[str, str] = {
    "batch_norm": "breast_cancer",
    "layer_norm": "breast_cancer",
    "convolutional": "digits",
}
