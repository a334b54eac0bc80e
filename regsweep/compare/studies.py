"""An Optuna study an arm, with suggestions that repeat themselves.

A suggestion is drawn by a sampler of its own, whose seed depends on the sweep's seed, the arm and
the number of the trial. It sees the results of earlier rounds and, of its own round, the
parameters of the trials before it. So a sweep that was cut off goes on as it would have.
"""

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, product
from math import prod
from typing import Any

import optuna
from hydra.utils import instantiate
from hydra_plugins.hydra_optuna_sweeper._impl import create_params_from_overrides
from omegaconf import DictConfig
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from regsweep.arms import Arm
from regsweep.compare.index import Index
from regsweep.errors import InputError
from regsweep.search_space import suggest_one
from regsweep.trust import SAMPLERS

GRIDS = ("GridSampler",)
CMA_ES = "CmaEsSampler"
# What these draw depends on what they noted at earlier trials, which is in no record.
KEEPS_STATE = (CMA_ES, "QMCSampler", "create_nsgaii_sampler", "create_nsgaiii_sampler")

Space = Mapping[str, BaseDistribution]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: its state, and the mean objective of its runs if all completed."""

    state: TrialState
    value: float | None


@dataclass(frozen=True)
class Recorded:
    """What the records say of a trial: its parameters, and its outcome if all its runs ended."""

    params: Mapping[str, Any]
    outcome: Outcome | None


def search_space_of(arm: Arm) -> dict[str, BaseDistribution]:
    """The distributions of the keys that ``arm`` searches."""
    lines = [f"{key}={sweep}" for key, sweep in arm.space.items()]
    distributions, _, _ = create_params_from_overrides(lines)
    return distributions


def count_trials(arm: str, space: Space, n_trials: int, sampler: DictConfig) -> int:
    """The trials of an arm: one where nothing is searched, and as many as a grid has points.

    Raises:
        InputError: the grid has more points, of which only a corner would be tried.
    """
    if not space:
        return 1
    if _class_of(sampler) not in GRIDS:
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
    if _class_of(sampler) != CMA_ES or sampler.get("independent_sampler"):
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


class Studies:
    """The studies of a sweep's arms; ``arms`` and ``spaces`` are their names and search spaces.

    They live in memory and begin empty: the records of earlier trials are replayed. ``index``
    shows them to others.
    """

    def __init__(
        self,
        arms: Sequence[str],
        spaces: Sequence[Space],
        sampler: DictConfig,
        seed: int,
        index: Index,
    ) -> None:
        self.arms, self.spaces, self.index = arms, spaces, index
        self.seed = f"{seed} {sampler.get('seed')}"
        self.sampler = _class_of(sampler)
        self.new_sampler = instantiate(
            sampler, _partial_=True, _execution_whitelist_=SAMPLERS, _convert_="all"
        )
        self.studies = [optuna.create_study(sampler=RandomSampler()) for _ in arms]

    def params(self, arm: int, number: int, recorded: Recorded | None) -> Mapping[str, Any]:
        """The parameters of a trial: those that it has by record, or new ones.

        To be called for the trials of an arm in their order, before any of the round is told.
        """
        study, space = self.studies[arm], dict(self.spaces[arm])
        params = None if recorded is None else dict(recorded.params)
        if params is None and self.sampler in GRIDS:
            params = _grid_point(space, number)
        if params is None or self.sampler in KEEPS_STATE:
            study.sampler = self._sampler(arm, number)
            self._ask(arm, params)
        else:
            study.add_trial(
                create_trial(state=TrialState.RUNNING, params=params, distributions=space)
            )
        return self._trials(arm)[number].params

    def _ask(self, arm: int, params: Mapping[str, Any] | None) -> None:
        """Ask the sampler; where there are ``params`` already, for the notes that it takes."""
        study, space = self.studies[arm], self.spaces[arm]
        if params is None:
            study.ask(fixed_distributions=dict(space))
            return
        study.enqueue_trial(dict(params))
        trial = study.ask()
        _ = trial.relative_params
        for key, distribution in space.items():
            suggest_one(trial, key, distribution)

    def tell(self, arm: int, number: int, outcome: Outcome) -> None:
        """Tell the study how a trial ended."""
        self.studies[arm].tell(number, outcome.value, state=outcome.state)
        self._trials(arm)

    def _trials(self, arm: int) -> list[FrozenTrial]:
        """The arm's trials, which the index now shows too."""
        trials = self.studies[arm].get_trials(deepcopy=False)
        self.index.keep(self.index.names[arm], trials)
        return trials

    def _sampler(self, arm: int, number: int) -> BaseSampler:
        sampler: BaseSampler
        seed = self._seed(f"{self.arms[arm]} {number}")
        with warnings.catch_warnings():
            # Told for each trial anew, of what was asked for by name.
            warnings.simplefilter("ignore", ExperimentalWarning)
            if self.sampler == CMA_ES:  # the plan has said what is drawn at random
                sampler = self.new_sampler(seed=seed, warn_independent_sampling=False)
            elif self.sampler != "QMCSampler":
                sampler = self.new_sampler(seed=seed)
            else:  # one sequence an arm, of which each trial is a point
                sequence, others = self._seed(self.arms[arm]), RandomSampler(seed)
                sampler = self.new_sampler(seed=sequence, independent_sampler=others)
        return sampler

    def _seed(self, of: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed} {of}".encode()).digest()[:4])


def _class_of(sampler: DictConfig) -> str:
    return str(sampler["_target_"]).rpartition(".")[2]


def _grid_point(space: Space, number: int) -> dict[str, Any]:
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
