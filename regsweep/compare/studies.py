"""An Optuna study an arm, with suggestions that repeat themselves.

A suggestion is drawn by a sampler of its own, whose seed depends on the sweep's seed, the arm and
the number of the trial. It sees the results of earlier rounds and, of its own round, the
parameters of the trials before it. So a sweep that was cut off goes on as it would have.
"""

import hashlib
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from hydra.utils import instantiate
from omegaconf import DictConfig
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from regsweep.compare.index import Index
from regsweep.compare.space import (
    CMA_ES,
    GRIDS,
    Space,
    class_of,
    grid_point,
    in_every_trial,
    is_drawn,
)
from regsweep.sweep.search_space import suggest_one
from regsweep.sweep.trust import SAMPLERS

# The most trials, and the most pending ones beside them, that a suggestion sees: what it costs
# grows with them, and in a round of thousands each would see all that were asked before it.
SEEN = 1000
# Of those, so many are the best.
BEST_SEEN = 100

# What these draw depends on what they noted at earlier trials, which is in no record.
KEEPS_STATE = (CMA_ES, "QMCSampler", "create_nsgaii_sampler", "create_nsgaiii_sampler")


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


class DrawnTogether(BaseSampler):
    """``sampler``, which draws the parameters ``together`` at once, and the others one by one.

    Those are in some trials alone. By itself a sampler draws all at once that every trial so far
    happens to have, and keeps with a pending trial also what that does not use: in no record.
    """

    def __init__(self, sampler: BaseSampler, together: Collection[str]) -> None:
        self.sampler, self.together = sampler, together

    def infer_relative_search_space(  # noqa: D102
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        found = self.sampler.infer_relative_search_space(study, trial)
        return {key: one for key, one in found.items() if key in self.together}

    def sample_relative(  # noqa: D102
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self.sampler.sample_relative(study, trial, search_space)

    def sample_independent(  # noqa: D102
        self, study: Study, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> Any:
        return self.sampler.sample_independent(study, trial, name, distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:  # noqa: D102
        self.sampler.before_trial(study, trial)

    def after_trial(  # noqa: D102
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        self.sampler.after_trial(study, trial, state, values)


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
        self.sampler = class_of(sampler)
        self.new_sampler = instantiate(
            sampler, _partial_=True, _execution_whitelist_=SAMPLERS, _convert_="all"
        )
        self.studies = [optuna.create_study(sampler=RandomSampler()) for _ in arms]
        # Of an arm of many trials, what a suggestion sees of them: by how many had ended, and which
        # pending one was the first.
        self.seen: dict[int, tuple[tuple[int, int], optuna.Study]] = {}

    def params(self, arm: int, number: int, recorded: Recorded | None) -> Mapping[str, Any]:
        """The parameters of a trial: those that it has by record, or new ones.

        To be called for the trials of an arm in their order, before any of the round is told.
        """
        study, space = self.studies[arm], self.spaces[arm]
        params = None if recorded is None else dict(recorded.params)
        if params is None and self.sampler in GRIDS:
            params = grid_point(space, number)
        if params is None and number > SEEN and self.sampler not in KEEPS_STATE:
            params = dict(self._ask(self._few(arm), arm, number))
        if params is None or self.sampler in KEEPS_STATE:
            self._ask(study, arm, number, params)
        else:
            drawn_from = {key: space[key] for key in params}
            study.add_trial(
                create_trial(state=TrialState.RUNNING, params=params, distributions=drawn_from)
            )
        return self._trials(arm)[number].params

    def _ask(
        self, study: Study, arm: int, number: int, params: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Ask the sampler; where there are ``params`` already, for the notes that it takes."""
        study.sampler = self._sampler(arm, number)
        if params is not None:
            study.enqueue_trial(dict(params))
        trial = study.ask()
        _ = trial.relative_params  # noted where all parameters are there already, too
        for key, distribution in self.spaces[arm].items():
            if is_drawn(key, trial.params):
                suggest_one(trial, key, distribution)
        return trial.params

    def _few(self, arm: int) -> Study:
        """A study of the best trials of an arm, the latest, and the latest of those pending.

        A function of how many have ended and how many are pending, so that a search that was cut
        off sees what it would have seen.
        """
        trials = self.studies[arm].get_trials(deepcopy=False)
        ended = [trial for trial in trials if trial.state.is_finished()]
        first = len(trials) - (len(trials) - len(ended)) % SEEN
        key, study = self.seen.get(arm, ((-1, -1), None))
        if study is None or key != (len(ended), first):
            study = optuna.create_study(sampler=RandomSampler())
            study.add_trials(best_and_latest(ended))
            self.seen[arm] = (len(ended), first), study
        pending = sum(not trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
        study.add_trials(trials[first + pending :])
        return study

    def tell(self, arm: int, number: int, outcome: Outcome) -> None:
        """Tell the study how a trial ended."""
        self.studies[arm].tell(number, outcome.value, state=outcome.state)
        self._trials(arm)

    def _trials(self, arm: int) -> list[FrozenTrial]:
        """The arm's trials, which the index is to show too."""
        trials = self.studies[arm].get_trials(deepcopy=False)
        self.index.show(self.index.names[arm], trials)
        return trials

    def _sampler(self, arm: int, number: int) -> BaseSampler:
        sampler: BaseSampler
        space = self.spaces[arm]
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
        always = in_every_trial(space)
        return sampler if len(always) == len(space) else DrawnTogether(sampler, always)

    def _seed(self, of: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed} {of}".encode()).digest()[:4])


def best_and_latest(ended: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Of trials that have ended, in their order, the best and the latest: ``SEEN`` at most."""
    valued = [trial for trial in ended if trial.value is not None]
    best = sorted(valued, key=lambda trial: (trial.value, trial.number))[:BEST_SEEN]
    kept = {trial.number for trial in best}
    latest = [trial for trial in reversed(ended) if trial.number not in kept][: SEEN - len(best)]
    return sorted([*best, *latest], key=lambda trial: trial.number)
