"""An Optuna study an arm, in one storage, with suggestions that repeat themselves.

A suggestion is drawn by a sampler of its own, whose seed depends on the sweep's seed, the arm and
the number of the trial. It sees the results of earlier rounds and, of its own round, the
parameters of the trials before it. So a sweep that was cut off goes on as it would have.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, product
from math import prod
from pathlib import Path
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
from optuna.samplers import BaseSampler, GridSampler, RandomSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy.engine import URL

from regsweep.arms import Arm
from regsweep.errors import InputError
from regsweep.trust import SAMPLERS

log = logging.getLogger(__name__)

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


def count_trials(space: Space, n_trials: int, sampler: DictConfig) -> int:
    """The trials of an arm: one where nothing is searched, and no more than a grid has points."""
    if not space:
        return 1
    if not _is_grid(sampler):
        return n_trials
    return min(n_trials, prod(len(_grid_points(one)) for one in space.values()))


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
    value = int(text) if isinstance(distribution, IntDistribution) else float(text)
    if not distribution._contains(distribution.to_internal_repr(value)):
        raise ValueError(f"{text} is not in {distribution}")
    return value


class Studies:
    """The studies of a sweep's arms; ``arms`` and ``spaces`` are their names and search spaces.

    ``prefix`` stands before the names of the studies. In a storage that other sweeps use too,
    they are marked with the ``folder`` of this one, and those of another are left alone.

    Raises:
        InputError: the storage holds a study of that name, of another folder.
    """

    def __init__(
        self,
        arms: Sequence[str],
        spaces: Sequence[Space],
        storage: RDBStorage,
        sampler: DictConfig,
        seed: int,
        folder: Path | None = None,
        prefix: str = "",
    ) -> None:
        self.arms, self.spaces, self.storage = arms, spaces, storage
        self.names = [f"{prefix}: {arm}" if prefix else arm for arm in arms]
        self.folder = folder and str(folder.resolve())
        self.seed = f"{seed} {sampler.get('seed')}"
        self.is_grid = _is_grid(sampler)
        self.new_sampler = instantiate(
            sampler, _partial_=True, _execution_whitelist_=SAMPLERS, _convert_="all"
        )
        self.studies = [self._open(arm) for arm in range(len(arms))]

    def _open(self, arm: int) -> optuna.Study:
        study = optuna.create_study(
            study_name=self.names[arm],
            storage=self.storage,
            sampler=RandomSampler(),
            direction="minimize",
            load_if_exists=True,
        )
        if self.folder is None:
            return study
        owner = study.user_attrs.get("folder", "another sweep" if study.trials else self.folder)
        if owner != self.folder:
            raise InputError(
                f"hydra.sweeper.storage: it holds a study {self.names[arm]!r} of {owner}; "
                "take another hydra.sweeper.study_name"
            )
        study.set_user_attr("folder", self.folder)
        return study

    def reconcile(self, arm: int, recorded: Mapping[int, Recorded], done: int) -> None:
        """Make the study of ``arm`` agree with its records; the first ``done`` trials are over.

        Where they disagree, the records are right: the study is made anew from them. What is
        missing in the study is added by ``params``, and what was not told by ``tell``.
        """
        if _agree(self._trials(arm), recorded, done, self.spaces[arm]):
            return
        log.info("%s: the Optuna study is built anew from the records", self.names[arm])
        # Where some samplers count what they have tried.
        attributes = self.storage.get_study_system_attrs(self.studies[arm]._study_id)
        optuna.delete_study(study_name=self.names[arm], storage=self.storage)
        self.studies[arm] = self._open(arm)
        for key, value in attributes.items():
            self.storage.set_study_system_attr(self.studies[arm]._study_id, key, value)

    def params(self, arm: int, number: int, recorded: Recorded | None) -> Mapping[str, Any]:
        """The parameters of a trial: those that it has, in the study or by record, or new ones.

        To be called for the trials of an arm in their order, before any of the round is told.
        """
        study, trials = self.studies[arm], self._trials(arm)
        if number < len(trials):
            return trials[number].params
        space = dict(self.spaces[arm])
        if recorded is None and not self.is_grid:
            study.sampler = self._sampler(arm, number)
            return study.ask(fixed_distributions=space).params
        params = _grid_point(space, number) if recorded is None else dict(recorded.params)
        study.add_trial(create_trial(state=TrialState.RUNNING, params=params, distributions=space))
        return params

    def tell(self, arm: int, number: int, outcome: Outcome) -> None:
        """Tell the study how a trial ended; telling it again changes nothing."""
        self.studies[arm].tell(number, outcome.value, state=outcome.state, skip_if_finished=True)

    def _trials(self, arm: int) -> list[FrozenTrial]:
        return self.studies[arm].get_trials(deepcopy=False)

    def _sampler(self, arm: int, number: int) -> BaseSampler:
        text = f"{self.seed} {self.arms[arm]} {number}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
        sampler: BaseSampler = self.new_sampler(seed=seed)
        return sampler


def open_storage(url: str | None, directory: Path) -> RDBStorage:
    """The storage at ``url``, by default ``optuna.db`` in the sweep's folder.

    A default storage that cannot be read is set aside: the records rebuild it.

    Raises:
        InputError: the storage at ``url`` cannot be opened.
    """
    if url is not None:
        try:
            return RDBStorage(url)
        except Exception as error:
            # The address may hold a password.
            scheme = url.partition(":")[0]
            raise InputError(
                f"hydra.sweeper.storage={scheme}:...: cannot be opened ({type(error).__name__})"
            ) from error
    path = directory / "optuna.db"
    try:
        return _sqlite(path)
    except Exception as error:
        if "locked" in str(error) or not path.exists():
            raise InputError(f"{path}: cannot be opened ({_first_line(error)})") from error
        aside = free_name(path, "damaged")
        path.rename(aside)
        log.warning("%s cannot be read (%s): now %s", path, type(error).__name__, aside.name)
        return _sqlite(path)


def _sqlite(path: Path) -> RDBStorage:
    # As an address in text, a ? in the path would begin its options.
    url = URL.create("sqlite", database=str(path))
    storage = RDBStorage(url.render_as_string(hide_password=False))
    for study in storage.get_all_studies():
        storage.get_all_trials(study._study_id, deepcopy=False)
    return storage


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def free_name(path: Path, word: str) -> Path:
    """``path`` with ``.word-N`` behind it, for the first N that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{word}-{number}")).exists():
        number += 1
    return aside


def _agree(
    trials: Sequence[FrozenTrial], recorded: Mapping[int, Recorded], done: int, space: Space
) -> bool:
    """Whether a study says nothing that the records do not, and nothing too early.

    A trial that is told though its round is not over would be seen by the rest of the round.
    """
    for trial in trials:
        known = recorded.get(trial.number)
        if trial.params.keys() != space.keys():
            return False
        if known is not None and trial.params != known.params:
            return False
        if trial.state.is_finished():
            if trial.number >= done or known is None or known.outcome is None:
                return False
            if (trial.state, trial.value) != (known.outcome.state, known.outcome.value):
                return False
    return True


def _is_grid(sampler: DictConfig) -> bool:
    return str(sampler["_target_"]).endswith(f".{GridSampler.__name__}")


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
