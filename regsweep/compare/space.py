"""The search space of an arm, as Optuna's distributions: its size, its points, its values.

A key that may be null is two parameters to Optuna: whether it is on and, where it is, its value.
What a trial does not use is no parameter of it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice, product
from math import prod
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from regsweep.errors import InputError
from regsweep.sweep.arms import Arm
from regsweep.sweep.internals import distributions_of
from regsweep.sweep.search_space import may_be_null

GRIDS = ("GridSampler",)
CMA_ES = "CmaEsSampler"
# These draw the value of a key that may be null as well as they draw any other.
_HEED_NULL = ("TPESampler", "RandomSampler", *GRIDS)

# Of every key that may be null, a parameter that says whether it is on stands before it.
Space = Mapping[str, BaseDistribution]

_ON = " on"

_LISTS = "hydra/sweeper/sampler=cmaes searches no lists; tpe and gp do"
_NULLS = "hydra/sweeper/sampler=tpe alone searches keys that may be null"


def search_space_of(arm: Arm) -> dict[str, BaseDistribution]:
    """The distributions of the keys that ``arm`` searches."""
    space: dict[str, BaseDistribution] = {}
    for key, sweep in arm.space.items():
        space |= parameters_of(key, sweep)
    return space


def parameters_of(key: str, sweep: str) -> dict[str, BaseDistribution]:
    """The parameters of a searched key, with what they are drawn from."""
    line = f"{key}={sweep}"
    distributions, _ = distributions_of([line])
    if may_be_null(OverridesParser.create().parse_override(line)):
        return {f"{key}{_ON}": CategoricalDistribution([True, False]), **distributions}
    return distributions


def in_every_trial(space: Space) -> list[str]:
    """The parameters that a trial has whatever its other ones are."""
    return [key for key in space if f"{key}{_ON}" not in space]


def is_drawn(key: str, params: Mapping[str, Any]) -> bool:
    """Whether a trial that has ``params`` already has the parameter ``key`` too: it is not off."""
    return params.get(f"{key}{_ON}", True) is True


def count_trials(arm: str, space: Space, n_trials: int, sampler: DictConfig) -> int:
    """The trials of an arm: one where nothing is searched, and as many as a grid has points.

    Raises:
        InputError: the grid has more points, of which only a corner would be tried.
    """
    if not space:
        return 1
    if class_of(sampler) not in GRIDS:
        return n_trials
    points = prod(map(len, _grid(space)))
    if points > n_trials:
        raise InputError(
            f"hydra.sweeper.n_trials={n_trials}: the grid of {arm} has {points} points; give at "
            "least as many, or take hydra/sweeper/sampler=random"
        )
    return points


def drawn_at_random(space: Space, sampler: DictConfig) -> dict[str, str]:
    """The keys of ``space`` that ``sampler`` leaves to chance, and why.

    CMA-ES searches no lists, and most samplers no key that not every trial has.
    """
    name = class_of(sampler)
    if name in _HEED_NULL or sampler.get("independent_sampler"):
        return {}
    lists = [key for key, one in space.items() if isinstance(one, CategoricalDistribution)]
    found = {key.removesuffix(_ON): _LISTS for key in lists if name == CMA_ES}
    return found | {key: _NULLS for key in space if f"{key}{_ON}" in space}


def override_lines(params: Mapping[str, Any]) -> list[str]:
    """The parameters of a trial as overrides; a key that is off is null."""
    return [
        f"{key.removesuffix(_ON)}=null" if key.endswith(_ON) else f"{key}={value}"
        for key, value in params.items()
        if not (key.endswith(_ON) and value)
    ]


def params_of(overrides: Sequence[str], space: Space) -> dict[str, Any]:
    """The parameters that a job was given, as their distributions have them.

    Raises:
        KeyError, ValueError, StopIteration: they are not of this ``space``.
    """
    given = dict(line.split("=", 1) for line in overrides if "=" in line)
    params: dict[str, Any] = {}
    for key, distribution in space.items():
        if key.endswith(_ON):
            params[key] = given[key.removesuffix(_ON)] != "null"
        elif is_drawn(key, params):
            params[key] = _parsed(given[key], distribution)
    return params


def _parsed(text: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return next(choice for choice in distribution.choices if str(choice) == text)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    value = int(text) if isinstance(distribution, IntDistribution) else float(text)
    if not distribution.low <= value <= distribution.high:
        raise ValueError(f"{text} is not in {distribution}")
    return value


def class_of(sampler: DictConfig) -> str:
    """The name of a sampler's class, or of what makes it."""
    return str(sampler["_target_"]).rpartition(".")[2]


def grid_point(space: Space, number: int) -> dict[str, Any]:
    """One point of the grid: all points in their order, the last key fastest."""
    parts = next(islice(product(*_grid(space)), number, None))
    return {key: value for part in parts for key, value in part.items()}


def _grid(space: Space) -> list[list[dict[str, Any]]]:
    """Of each searched key, what a point of the grid may have of it; first that it is off."""
    grid = []
    for key, distribution in space.items():
        if key.endswith(_ON):
            continue
        points = [{key: value} for value in _grid_points(distribution)]
        on = f"{key}{_ON}"
        if on in space:
            points = [{on: False}, *({on: True, **point} for point in points)]
        grid.append(points)
    return grid


def _grid_points(distribution: BaseDistribution) -> Sequence[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    assert distribution.step is not None
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    low, high, step = (
        Decimal(str(value)) for value in (distribution.low, distribution.high, distribution.step)
    )
    return [float(low + i * step) for i in range(int((high - low) / step) + 1)]
