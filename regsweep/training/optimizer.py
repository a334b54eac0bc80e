"""Adam, SGD and RMSprop over a pack: one step for all runs, every coefficient per run.

Each step follows the operations of ``torch.optim.Adam``, ``AdamW``, ``SGD`` and ``RMSprop`` in
their order, so that a run here is a run there to the last few bits.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from regsweep.settings.optimizer import SGD, Adam, Optimizer, RMSprop
from regsweep.training.penalty import PackCoefficients, add_regularizer_gradient, is_weight, per_run
from regsweep.training.proximal import bound_norms, shrink_groups, soft_threshold

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


class PackOptimizer(ABC):
    """The state of an optimizer over a pack, and its step."""

    def __init__(self, lr: Tensor) -> None:
        self.lr = lr  # (runs,); a schedule fills it before each step

    def step(
        self,
        parameters: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        coefficients: PackCoefficients,
    ) -> None:
        """Move ``parameters`` in place, all as (runs, *shape); ``gradients`` are used up.

        What the regularizers add to the gradient is added to ``gradients``; decoupled decay is
        ``w -= lr * decoupled_decay * w`` before the update, and a proximal step comes behind it,
        then the bound of norms.
        """
        self._start_step()
        for name, parameter in parameters.items():
            gradient = gradients[name]
            add_regularizer_gradient(gradient, parameter, coefficients)
            lr = per_run(self.lr, parameter)
            if coefficients.decoupled_decay is not None:
                parameter.mul_(1 - lr * coefficients.decoupled_decay.of(parameter))
            self._update(name, parameter, gradient, lr)
            if coefficients.exact and coefficients.l1 is not None:
                reach = self._reach(name, parameter, lr)
                soft_threshold(parameter, coefficients.l1.of(parameter) * reach)
            if coefficients.group is not None and name not in coefficients.output:
                reach = self._reach(name, parameter, lr)
                shrink_groups(parameter, coefficients.group.of(parameter), reach)
            if coefficients.bound is not None and is_weight(parameter):
                bound_norms(parameter, coefficients.bound)

    @abstractmethod
    def tensors(self) -> list[Tensor]:
        """All state that a step moves in place."""

    @abstractmethod
    def _start_step(self) -> None:
        """Called once a step, before any parameter is updated."""

    @abstractmethod
    def _update(self, name: str, parameter: Tensor, gradient: Tensor, lr: Tensor) -> None:
        """Move one parameter by its full gradient."""

    @abstractmethod
    def _reach(self, name: str, parameter: Tensor, lr: Tensor) -> Tensor:
        """How far a gradient that stays at 1 moves each weight at a step like the last.

        It is the step size of the proximal step, so that where the weights come to rest, the pull
        of the penalty balances the gradient of the loss, whatever the optimizer.
        """


class PackAdam(PackOptimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1) with per-run learning rates (runs,)."""

    def __init__(self, parameters: Mapping[str, Tensor], lr: Tensor) -> None:
        super().__init__(lr)
        # On the device and in float64: nothing of a step is computed in Python. Not as scalars:
        # what PyTorch below 2.14 compiles loses what is written to one of float64.
        self.steps = torch.zeros(1, dtype=torch.float64, device=lr.device)
        self.correction = torch.zeros(1, device=lr.device)  # 1 / sqrt(1 - beta2^t)
        self.size = torch.zeros_like(lr)  # lr / (1 - beta1^t)
        self.first = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: torch.zeros_like(value) for name, value in parameters.items()}

    def tensors(self) -> list[Tensor]:  # noqa: D102
        return [self.steps, *self.first.values(), *self.second.values()]

    def _start_step(self) -> None:
        self.steps.add_(1)
        # Kept as attributes: a compiler would compute local values again for every weight.
        self.correction = (1 - BETA2**self.steps).rsqrt().float()
        self.size = self.lr / (1 - BETA1**self.steps).float()

    def _update(self, name: str, parameter: Tensor, gradient: Tensor, lr: Tensor) -> None:
        first = self.first[name].lerp_(gradient, 1 - BETA1)
        second = self.second[name].mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        denominator = second.sqrt().mul_(self.correction).add_(EPS)
        parameter.addcmul_(first / denominator, per_run(self.size, parameter), value=-1)

    def _reach(self, name: str, parameter: Tensor, lr: Tensor) -> Tensor:
        """``lr / (sqrt(v_hat) + eps)``, another for each weight (Yun et al., 2021)."""
        return lr / self.second[name].sqrt().mul_(self.correction).add_(EPS)


class PackSGD(PackOptimizer):
    """``b = momentum * b + g; w -= lr * b`` with per-run learning rates and momenta (runs,)."""

    def __init__(self, parameters: Mapping[str, Tensor], lr: Tensor, momentum: Tensor) -> None:
        super().__init__(lr)
        self.momentum = momentum
        self.buffer = {name: torch.zeros_like(value) for name, value in parameters.items()}

    def tensors(self) -> list[Tensor]:  # noqa: D102
        return list(self.buffer.values())

    def _start_step(self) -> None:
        pass

    def _update(self, name: str, parameter: Tensor, gradient: Tensor, lr: Tensor) -> None:
        momentum = per_run(self.momentum, parameter)
        buffer = self.buffer[name].mul_(momentum).add_(gradient)
        parameter.addcmul_(buffer, lr, value=-1)

    def _reach(self, name: str, parameter: Tensor, lr: Tensor) -> Tensor:
        """``lr / (1 - momentum)``, as the buffer of a gradient that stays at 1 grows to that."""
        return lr / (1 - per_run(self.momentum, parameter))


class PackRMSprop(PackOptimizer):
    """``v = alpha * v + (1 - alpha) * g^2; b = momentum * b + g / (sqrt(v) + eps); w -= lr * b``.

    Each coefficient is a run's own, (runs,); ``fresh`` is 1 - alpha.
    """

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        lr: Tensor,
        alpha: Tensor,
        fresh: Tensor,
        eps: Tensor,
        momentum: Tensor,
    ) -> None:
        super().__init__(lr)
        self.alpha, self.fresh, self.eps, self.momentum = alpha, fresh, eps, momentum
        self.square = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.buffer = {name: torch.zeros_like(value) for name, value in parameters.items()}

    def tensors(self) -> list[Tensor]:  # noqa: D102
        return [*self.square.values(), *self.buffer.values()]

    def _start_step(self) -> None:
        pass

    def _update(self, name: str, parameter: Tensor, gradient: Tensor, lr: Tensor) -> None:
        alpha, fresh, eps, momentum = (
            per_run(values, parameter)
            for values in (self.alpha, self.fresh, self.eps, self.momentum)
        )
        square = self.square[name].mul_(alpha).addcmul_(gradient * fresh, gradient)
        denominator = square.sqrt().add_(eps)
        buffer = self.buffer[name].mul_(momentum).addcdiv_(gradient, denominator)
        parameter.addcmul_(buffer, lr, value=-1)

    def _reach(self, name: str, parameter: Tensor, lr: Tensor) -> Tensor:
        """``lr / ((sqrt(v) + eps) (1 - momentum))``."""
        eps, momentum = (per_run(values, parameter) for values in (self.eps, self.momentum))
        return lr / (self.square[name].sqrt().add_(eps) * (1 - momentum))


def pack_optimizer(
    optimizers: Sequence[Optimizer], parameters: Mapping[str, Tensor]
) -> PackOptimizer:
    """The optimizer of a pack; all of ``optimizers``, one per run, are of one kind."""
    device = next(iter(parameters.values())).device

    def column(values: Iterable[float]) -> Tensor:
        return torch.tensor(list(values), device=device)

    lr = column(optimizer.lr for optimizer in optimizers)
    adams = [optimizer for optimizer in optimizers if isinstance(optimizer, Adam)]
    sgds = [optimizer for optimizer in optimizers if isinstance(optimizer, SGD)]
    rmsprops = [optimizer for optimizer in optimizers if isinstance(optimizer, RMSprop)]
    if len(adams) == len(optimizers):
        return PackAdam(parameters, lr)
    if len(sgds) == len(optimizers):
        return PackSGD(parameters, lr, column(optimizer.momentum for optimizer in sgds))
    if len(rmsprops) == len(optimizers):
        return PackRMSprop(
            parameters,
            lr,
            alpha=column(optimizer.alpha for optimizer in rmsprops),
            fresh=column(1 - optimizer.alpha for optimizer in rmsprops),
            eps=column(optimizer.eps for optimizer in rmsprops),
            momentum=column(optimizer.momentum for optimizer in rmsprops),
        )
    raise ValueError("the runs of a pack must share one kind of optimizer")
