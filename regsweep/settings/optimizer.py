"""The optimizers on offer; ``regsweep.training.optimizer`` takes their steps."""

from dataclasses import dataclass

from regsweep.errors import bad_value
from regsweep.settings.checks import positive


@dataclass(frozen=True)
class Adam:
    """Adam with PyTorch's betas (0.9, 0.999) and eps (1e-8) (Kingma and Ba, 2015)."""

    lr: float

    def __post_init__(self) -> None:
        positive("optimizer.lr", self.lr)


@dataclass(frozen=True)
class SGD:
    """Gradient descent with heavy-ball momentum, as ``torch.optim.SGD`` writes it."""

    lr: float
    momentum: float

    def __post_init__(self) -> None:
        positive("optimizer.lr", self.lr)
        if not 0 <= self.momentum < 1:
            raise bad_value("optimizer.momentum", self.momentum, "a number from 0 to below 1")


Optimizer = Adam | SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD}
