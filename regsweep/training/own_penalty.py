"""Penalties of the user's own: a function of a run's parameters, for all runs of a pack at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from regsweep.settings.own import OwnRegularizer
from regsweep.settings.regularizer import Scope
from regsweep.training.functions import Replaced
from regsweep.training.penalty import is_weight


@dataclass(frozen=True)
class OwnPenalty:
    """The penalty of every run of a pack: the same ``function`` of the parameters in ``scope``.

    ``numbers`` are the keys that are floats, (runs,) each, and the others ``constants``.
    ``alone`` says that there is one run, for which the function is called as it is.
    """

    function: Callable[..., Tensor]
    scope: Scope
    constants: Mapping[str, Any]
    numbers: Mapping[str, Tensor]
    alone: bool


def pack_penalty(choices: Sequence[Any], device: torch.device, *, alone: bool) -> OwnPenalty | None:
    """The penalty that runs with these regularizers share; ``None`` where they are built in."""
    first = choices[0]
    if not isinstance(first, OwnRegularizer):
        return None
    numbers = {key: [own.keywords[key] for own in choices] for key in first.numbers}
    return OwnPenalty(
        function=first.function,
        scope=first.scope,
        constants={k: v for k, v in first.keywords.items() if k not in numbers},
        numbers={k: torch.tensor(own, device=device) for k, own in numbers.items()},
        alone=alone,
    )


def own_penalties(penalty: OwnPenalty, parameters: Mapping[str, Tensor]) -> Tensor:
    """The value of each run, (runs,), of its ``parameters``, (runs, *shape), in scope."""
    ranged = {
        name: tensor
        for name, tensor in parameters.items()
        if penalty.scope == "all" or is_weight(tensor)
    }

    def of_one(parameters: Mapping[str, Tensor], numbers: Mapping[str, Tensor]) -> Tensor:
        return penalty.function(parameters, **penalty.constants, **numbers)

    if penalty.alone:
        first = ({k: v[0] for k, v in one.items()} for one in (ranged, penalty.numbers))
        return of_one(*first).unsqueeze(0)
    with Replaced(None, vmapped=True):
        return vmap(of_one)(ranged, penalty.numbers)
