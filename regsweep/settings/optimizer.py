"""The optimizers on offer; ``regsweep.training.optimizer`` takes their steps."""

from dataclasses import dataclass

from regsweep.settings.checks import below_1, positive


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
        below_1("optimizer.momentum", self.momentum)


@dataclass(frozen=True)
class RMSprop:
    """Steps over the root of the mean square of the gradients, as ``torch.optim.RMSprop`` has it.

    ``alpha`` is what stays of that mean at a step (Hinton, 2012).
    """

    lr: float
    alpha: float
    eps: float
    momentum: float

    def __post_init__(self) -> None:
        positive("optimizer.lr", self.lr)
        below_1("optimizer.alpha", self.alpha)
        positive("optimizer.eps", self.eps)
        below_1("optimizer.momentum", self.momentum)


Optimizer = Adam | SGD | RMSprop

OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop}
