"""How many trials ``hydra.sweeper.n_trials`` asks of each arm."""

from collections.abc import Mapping, Sequence
from typing import Any

from regsweep.errors import InputError, nearest
from regsweep.settings.checks import whole
from regsweep.settings.values import typed
from regsweep.sweep.arms import Arm

KEY = "hydra.sweeper.n_trials"
OTHERS = "others"


def trials_asked(n_trials: Any, arms: Sequence[Arm]) -> tuple[int, ...]:
    """The number of each arm: ``n_trials``, or what it maps the arm to.

    A key is a choice, such as ``cocktail``, which names every arm that has it, or an arm's whole
    name; ``others`` are the arms that no key names. One with nothing to search needs no number.

    Raises:
        InputError: there is no such arm, an arm that is searched has no number, or it has two.
    """
    if not isinstance(n_trials, Mapping):
        return (n_trials,) * len(arms)
    numbers = {str(key): typed(f"{KEY}.{key}", value, int) for key, value in n_trials.items()}
    for key, number in numbers.items():
        whole(f"{KEY}.{key}", number, low=1)
    named = [[key for key in numbers if key in _names(arm)] for arm in arms]
    unknown = numbers.keys() - {OTHERS}.union(*named)
    for key in sorted(unknown):
        known = {name for arm in arms for name in _names(arm)}
        raise InputError(f"{KEY}.{key}: no such arm; {nearest(key, {*known, OTHERS})}")
    return tuple(_number(arm, keys, numbers) for arm, keys in zip(arms, named, strict=True))


def _names(arm: Arm) -> set[str]:
    return {arm.name, *arm.choices.values()}


def _number(arm: Arm, keys: Sequence[str], numbers: Mapping[str, int]) -> int:
    if len(keys) > 1:
        raise InputError(f"{KEY}: {' and '.join(keys)} both name {arm.name}; name it once")
    key = next(iter(keys), OTHERS)
    if key not in numbers and arm.space:
        raise InputError(f"{KEY}: no number for {arm.name}; name it, or give {OTHERS} one")
    return numbers.get(key, 1)
