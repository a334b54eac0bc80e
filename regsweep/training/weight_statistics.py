"""Norms and sparsity of a pack's weights."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from regsweep.training.penalty import groups_of, is_weight

NEAR_ZERO = 1e-3


def weight_statistics(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Norms and sparsity of every run's weights, no other parameters; each (runs,) in float64.

    ``l1_norm`` = sum |w|, ``l2_norm`` = sqrt(sum w^2), ``zero_fraction`` = share of w = 0,
    ``near_zero_fraction`` = share of |w| < 1e-3.
    """
    weights = [value.detach().flatten(1) for value in parameters.values() if is_weight(value)]
    flat = torch.cat(weights, dim=1).double()
    return {
        "l1_norm": flat.abs().sum(1).cpu(),
        "l2_norm": flat.square().sum(1).sqrt().cpu(),
        "zero_fraction": (flat == 0).double().mean(1).cpu(),
        "near_zero_fraction": (flat.abs() < NEAR_ZERO).double().mean(1).cpu(),
    }


def zero_units(hidden: Sequence[Tensor]) -> Tensor:
    """How many hidden units of every run have incoming weights of 0 alone, (runs,) in float64.

    ``hidden`` are the parameters of all but the output layer. Such a unit is a constant, whatever
    the inputs.
    """
    weights = [value.detach() for value in hidden if is_weight(value)]
    units = [(groups_of(value) == 0).all(2).sum(1) for value in weights]
    return torch.stack(units).sum(0).double().cpu()
