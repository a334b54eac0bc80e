"""Proximal steps: what a penalty with a kink does to the weights behind an optimizer's step.

With a step size d for each weight and a penalty R, ``prox(w) = argmin_u sum (u - w)^2 / (2 d) +
R(u)``; weights whose gradient cannot outweigh the penalty become 0 (Yun et al., 2021, "Adaptive
proximal gradient methods for structured neural networks").
"""

import math

import torch
from torch import Tensor

from regsweep.training.penalty import groups_of

# Newton's steps to the norm that a group has behind its proximal step: enough for float32 where
# the step sizes within a group differ by nine orders.
NEWTON_STEPS = 6


def soft_threshold(parameter: Tensor, threshold: Tensor) -> None:
    """The proximal step of ``l1 * sum |w|``, in place: ``w -= clip(w, -threshold, threshold)``.

    ``threshold`` is the step size times l1 and broadcasts over (runs, *shape). Of 0 it changes
    nothing.
    """
    parameter.sub_(parameter.clamp(-threshold, threshold))


def shrink_groups(parameter: Tensor, weight: Tensor, step: Tensor) -> None:
    """The proximal step of ``weight * sum over units of sqrt(fan_in) * |w|_2``, in place.

    ``parameter`` is (runs, units, *shape); ``weight``, of the penalty, and ``step``, the step size
    d of each weight, broadcast over it. With t = weight sqrt(fan_in), a group becomes 0 where
    ``sum (w / (t d))^2 <= 1``, and else ``s w / (s + t d)`` with the norm s that solves

        g(s) = |w / (s + t d)|_2 = 1

    As 1 / g rises and is concave, Newton's method for 1 / g(s) = 1 comes up to s from below.
    """
    groups = groups_of(parameter)
    pull = groups_of((weight * math.sqrt(groups.shape[2]) * step).expand_as(parameter))
    if parameter.device.type == "cpu":  # bits are promised on a CPU only
        moved = torch.ops.regsweep.shrink_groups(groups, pull)
    else:
        moved = _shrink_groups(groups, pull)
    parameter.copy_(moved.view_as(parameter))


def _shrink_groups(groups: Tensor, pull: Tensor) -> Tensor:
    """The groups, (runs, units, fan_in), behind the step; ``pull`` is t d."""
    groups, pull = groups.contiguous(), pull.contiguous()
    squares = groups.square()
    outweighed = (squares / pull.square()).sum(2, keepdim=True) <= 1
    # Where every d is as the largest, this is s itself.
    norm = squares.sum(2, keepdim=True).sqrt() - pull.amax(2, keepdim=True)
    norm.clamp_(min=0)
    for _ in range(NEWTON_STEPS):
        shares = squares / (norm + pull).square()
        square = shares.sum(2, keepdim=True)
        slope = (shares / (norm + pull)).sum(2, keepdim=True)
        # 1 / g is 1 / sqrt(square), and its derivative slope / square^(3/2).
        norm = norm + (square.sqrt() - 1) * square / slope
    left = groups * torch.where(pull > 0, norm / (norm + pull), 1.0)
    return torch.where(outweighed, 0.0, left)


def bound_norms(parameter: Tensor, bound: Tensor) -> None:
    """``w *= min(1, bound / |w|_2)`` of each unit's incoming weights w, in place.

    It is the proximal step, with one d, of a penalty that is 0 up to the ``bound``, (runs,), and
    infinite above. ``parameter`` is (runs, units, *shape). A bound of infinity changes nothing.
    """
    groups = groups_of(parameter)
    if parameter.device.type == "cpu":
        moved = torch.ops.regsweep.bound_norms(groups, bound)
    else:
        moved = _bound_norms(groups, bound)
    parameter.copy_(moved.view_as(parameter))


def _bound_norms(groups: Tensor, bound: Tensor) -> Tensor:
    """The groups, (runs, units, fan_in), of norms up to their run's ``bound``."""
    bound = bound.view(-1, 1, 1)
    norm = groups.contiguous().square().sum(2, keepdim=True).sqrt()
    return groups * torch.where(norm > bound, bound / norm, 1.0)


def _shape_of_groups(groups: Tensor, other: Tensor) -> Tensor:
    return groups.new_empty(groups.shape)


# Operations that a compiler leaves as they are: sums of another form would round otherwise.
torch.library.define("regsweep::shrink_groups", "(Tensor groups, Tensor pull) -> Tensor")
torch.library.impl("regsweep::shrink_groups", "CPU", _shrink_groups)
torch.library.register_fake("regsweep::shrink_groups", _shape_of_groups)
torch.library.define("regsweep::bound_norms", "(Tensor groups, Tensor bound) -> Tensor")
torch.library.impl("regsweep::bound_norms", "CPU", _bound_norms)
torch.library.register_fake("regsweep::bound_norms", _shape_of_groups)
