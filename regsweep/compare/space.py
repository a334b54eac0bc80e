"""The search space of an arm, as Optuna's distributions: its size, its points, its values."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice, product
from math import prod
from typing import Any

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

GRIDS = ("GridSampler",)
CMA_ES = "CmaEsSampler"

Space = Mapping[str, BaseDistribution]


def search_space_of(arm: Arm) -> dict[str, BaseDistribution]:
    """The distributions of the keys that ``arm`` searches."""
    lines = [f"{key}={sweep}" for key, sweep in arm.space.items()]
    distributions, _ = distributions_of(lines)
    return distributions


def count_trials(arm: str, space: Space, n_trials: int, sampler: DictConfig) -> int:
    """The trials of an arm: one where nothing is searched, and as many as a grid has points.

    Raises:
        InputError: the grid has more points, of which only a corner would be tried.
    """
    if not space:
        return 1
    if class_of(sampler) not in GRIDS:
        return n_trials
    points = prod(len(_grid_points(one)) for one in space.values())
    if points > n_trials:
        raise InputError(
            f"hydra.sweeper.n_trials={n_trials}: the grid of {arm} has {points} points; give at "
            "least as many, or take hydra/sweeper/sampler=random"
        )
    return points


def drawn_at_random(space: Space, sampler: DictConfig) -> list[str]:
    """The keys of ``space`` that are left to chance: CMA-ES searches no lists."""
    if class_of(sampler) != CMA_ES or sampler.get("independent_sampler"):
        return []
    return [key for key, one in space.items() if isinstance(one, CategoricalDistribution)]


def override_lines(params: Mapping[str, Any]) -> list[str]:
    """``params`` as overrides."""
    return [f"{key}={value}" for key, value in params.items()]


def params_of(overrides: Sequence[str], space: Space) -> dict[str, Any]:
    """The parameters that a job was given, as their distributions have them.

    Raises:
        KeyError, ValueError, StopIteration: they are not of this ``space``.
    """
    given = dict(line.split("=", 1) for line in overrides if "=" in line)
    return {key: _parsed(given[key], distribution) for key, distribution in space.items()}


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
    points = product(*(_grid_points(one) for one in space.values()))
    return dict(zip(space, next(islice(points, number, None)), strict=True))


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
