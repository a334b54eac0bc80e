"""The penalties of a pack: their coefficients, value and gradient."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from regsweep.settings.own import OwnRegularizer
from regsweep.settings.regularizer import Coefficients, Regularizer
from regsweep.training.dropout import Rates, pack_rates


def is_weight(parameter: Tensor) -> bool:
    """Whether a parameter (runs, *shape) is a weight: it has two or more dimensions in each run."""
    return parameter.dim() > 2


@dataclass(frozen=True)
class Coefficient:
    """One coefficient of every run, (runs,): ``weights`` for weights, ``others`` for the rest.

    ``others`` is 0 in the runs whose scope is ``weights``.
    """

    weights: Tensor
    others: Tensor

    def of(self, parameter: Tensor) -> Tensor:
        """The coefficient of ``parameter``, shaped to broadcast over (runs, *shape)."""
        return per_run(self.weights if is_weight(parameter) else self.others, parameter)


@dataclass(frozen=True)
class PackCoefficients:
    """The regularizers of a pack; a term that no run uses is ``None`` and costs nothing.

    ``pull`` is the part of the gradient that grows with w, ``2 * l2 + weight_decay``. Where the
    runs are ``exact``, l1 is no part of the gradient but a proximal step behind the optimizer's, as
    ``group`` is, of all but the parameters of the ``output`` layer. ``bound``, (runs,), is the
    largest norm of a unit's incoming weights, and ``smoothing``, (runs,), that of the targets;
    ``p`` and ``input_p`` are those of dropout.
    """

    l1: Coefficient | None
    l2: Coefficient | None
    pull: Coefficient | None
    decoupled_decay: Coefficient | None
    exact: bool = False
    group: Coefficient | None = None
    output: tuple[str, ...] = ()
    bound: Tensor | None = None
    smoothing: Tensor | None = None
    p: Rates | None = None
    input_p: Rates | None = None


def pack_coefficients(
    regularizers: Sequence[Regularizer | OwnRegularizer],
    device: torch.device,
    every_term: bool = False,
    output: tuple[str, ...] = (),
    lrs: Sequence[float] = (),
) -> PackCoefficients:
    """The coefficients of ``regularizers``, one per run, as float32 vectors on ``device``.

    ``every_term`` keeps the terms that no run uses, as zeros: a compiled step then is the same
    whatever the regularizers are. ``output`` names the parameters of the output layer. ``lrs`` are
    the learning rates that schedules take shares of, which steady decay needs: it is decoupled
    decay by the weight over these.
    """
    own = [choice.coefficients() for choice in regularizers]
    first = own[0]
    decays = [one.decoupled_decay for one in own]
    if any(one.steady_decay for one in own):
        decays = [
            decay + one.steady_decay / lr for decay, one, lr in zip(decays, own, lrs, strict=True)
        ]

    def column(term: Callable[[Coefficients], float]) -> Coefficient | None:
        return scoped([term(one) for one in own])

    def scoped(values: list[float]) -> Coefficient | None:
        if not any(values) and not every_term:
            return None
        others = [
            value if choice.scope == "all" else 0.0
            for value, choice in zip(values, regularizers, strict=True)
        ]
        return Coefficient(torch.tensor(values, device=device), torch.tensor(others, device=device))

    def numbers(term: Callable[[Coefficients], float | None]) -> list[float]:
        """What is switched on in all runs, or in none."""
        return [value for one in own if (value := term(one)) is not None]

    def vector(term: Callable[[Coefficients], float | None]) -> Tensor | None:
        values = numbers(term)
        return torch.tensor(values, device=device) if values else None

    def rates(term: Callable[[Coefficients], float | None]) -> Rates | None:
        values = numbers(term)
        return pack_rates(values, device) if values else None

    return PackCoefficients(
        l1=column(lambda own: own.l1),
        l2=column(lambda own: own.l2),
        pull=column(lambda own: 2 * own.l2 + own.weight_decay),
        decoupled_decay=scoped(decays),
        exact=first.exact,
        group=None if first.group is None else column(lambda own: own.group or 0.0),
        output=output,
        bound=vector(lambda one: one.bound),
        smoothing=vector(lambda one: one.smoothing),
        p=rates(lambda one: one.p),
        input_p=rates(lambda one: one.input_p),
    )


def per_run(values: Tensor, parameter: Tensor) -> Tensor:
    """(runs,) reshaped to (runs, 1, ...) to broadcast over ``parameter`` (runs, *shape)."""
    return values.view(-1, *[1] * (parameter.dim() - 1))


def add_regularizer_gradient(
    gradient: Tensor, parameter: Tensor, coefficients: PackCoefficients
) -> None:
    """``gradient += l1 * sign(w) + (2 * l2 + weight_decay) * w``, in place.

    As autograd has it, sign(0) is 0. Where the runs are exact, l1 has no part in it.
    """
    if coefficients.l1 is not None and not coefficients.exact:
        gradient.addcmul_(parameter.sign(), coefficients.l1.of(parameter))
    if coefficients.pull is not None:
        gradient.addcmul_(parameter, coefficients.pull.of(parameter))


def penalty_terms(
    parameters: Mapping[str, Tensor], coefficients: PackCoefficients
) -> tuple[Tensor, Tensor]:
    """``(l1 * sum |w|, l2 * sum w^2)``, each (runs,) in float64.

    The decays are no part of the loss, and so none of this.
    """
    runs = _runs(parameters)
    absolute = torch.zeros(runs, dtype=torch.float64)
    squared = torch.zeros(runs, dtype=torch.float64)
    for parameter in parameters.values():
        flat = parameter.detach().view(runs, -1).double()
        if coefficients.l1 is not None:
            term = coefficients.l1.of(parameter).flatten() * flat.abs().sum(1)
            absolute += term.cpu()
        if coefficients.l2 is not None:
            term = coefficients.l2.of(parameter).flatten() * flat.square().sum(1)
            squared += term.cpu()
    return absolute, squared


def group_penalty(parameters: Mapping[str, Tensor], coefficients: PackCoefficients) -> Tensor:
    """``group * sum over units of sqrt(fan_in) * |incoming weights|_2``, (runs,) in float64."""
    total = torch.zeros(_runs(parameters), dtype=torch.float64)
    if coefficients.group is not None:
        for name, parameter in parameters.items():
            if name not in coefficients.output:
                groups = groups_of(parameter.detach()).double()
                norms = groups.square().sum(2).sqrt().sum(1) * math.sqrt(groups.shape[2])
                total += (coefficients.group.of(parameter).flatten() * norms).cpu()
    return total


def groups_of(parameter: Tensor) -> Tensor:
    """(runs, units, fan_in) of a parameter (runs, units, *shape)."""
    return parameter.reshape(*parameter.shape[:2], -1)


def _runs(parameters: Mapping[str, Tensor]) -> int:
    return next(iter(parameters.values())).shape[0]
