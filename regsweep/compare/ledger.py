"""What the records of a sweep's folder say has been done."""

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from optuna.trial import TrialState

from regsweep.compare.plan import ROWS_SEED, Place, Plan, Slot
from regsweep.compare.space import Space, params_of
from regsweep.compare.storage import free_name
from regsweep.compare.studies import Outcome, Recorded
from regsweep.errors import InputError
from regsweep.records.objective import mean_cost, measured, sparsest, winner_by_runs
from regsweep.records.record import FILE_NAME, Record, RecordError, read
from regsweep.records.sweep_file import SweepFile
from regsweep.records.task import loss_of, scores_in

log = logging.getLogger(__name__)


def set_aside(path: Path) -> Path:
    """Rename what lies at ``path``, whatever it is; returns where it is now."""
    aside = free_name(path, "damaged")
    path.rename(aside)
    return aside


class Ledger:
    """The records of the runs of ``plan`` under ``directory``, each read once."""

    def __init__(self, plan: Plan, spaces: Sequence[Space], directory: Path) -> None:
        self.plan, self.spaces, self.directory = plan, spaces, directory
        self.records: dict[Place, Record] = {}
        self.over: dict[Slot, Recorded] = {}

    def record(self, place: Place) -> Record | None:
        """The record of a run, if it has been published; a damaged one is set aside by name."""
        if place not in self.records:
            path = self.directory / self.plan.folder(place) / FILE_NAME
            if not os.path.lexists(path):
                return None
            try:
                self.records[place] = self._checked(read(path), place, path)
            except RecordError as error:
                aside = set_aside(path)
                log.warning("%s; now %s, the run is done again", error, aside.name)
                return None
        return self.records[place]

    def _checked(self, record: Record, place: Place, path: Path) -> Record:
        """The record, if it is that of the run at ``place`` and says what the sweep needs."""
        arm = self.plan.arms[place.slot.arm].choices
        folder = self.plan.folder(place)
        expected = (folder, place.stage, dict(arm), place.slot.number, place.seed)
        found = (record.run, record.stage, dict(record.arm), record.trial, record.seed)
        if found != expected:
            raise RecordError(path, f"the record of another run, {record.run}")
        [score, *_] = scores_in(record.metrics)
        needed = (loss_of("val"), score.of("val"))
        if record.status == "completed" and any(record.metrics.get(k) is None for k in needed):
            raise RecordError(path, f"completed, but without {' or '.join(needed)}")
        if key := _disagreeing(record):
            raise RecordError(path, f"its params and its overrides disagree about {key}")
        return record

    def searched(self) -> dict[int, list[Record]]:
        """The records of the search runs that have one, by the index of their arm."""
        found: dict[int, list[Record]] = {}
        for slot in (slot for one in self.plan.rounds() for slot in one):
            for place in self.places(slot):
                if record := self.record(place):
                    found.setdefault(slot.arm, []).append(record)
        return found

    def places(self, slot: Slot) -> list[Place]:
        """The search runs of a trial."""
        return [Place("search", slot, seed) for seed in self.plan.search_seeds]

    def recorded(self, slot: Slot) -> Recorded | None:
        """What the records say of a trial; ``None`` where it has none yet.

        Raises:
            InputError: a record has parameters that the arm's search space does not hold.
        """
        if slot in self.over:
            return self.over[slot]
        records = [self.record(place) for place in self.places(slot)]
        known = [record for record in records if record is not None]
        if not known:
            return None
        try:
            params, *others = [params_of(one.overrides, self.spaces[slot.arm]) for one in known]
            if any(other != params for other in others):
                raise ValueError("the runs of the trial have other values than one another")
        except (KeyError, ValueError, StopIteration) as error:
            folder = self.directory / self.plan.folder(self.places(slot)[0])
            raise InputError(
                f"{folder}: its record does not fit this sweep's search space ({error}); "
                "take another hydra.sweep.dir"
            ) from error
        if len(known) < len(records):
            return Recorded(params, None)
        self.over[slot] = Recorded(params, self._outcome(known))
        return self.over[slot]

    def is_over(self, slot: Slot) -> bool:
        """Whether all runs of a trial have a record."""
        known = self.recorded(slot)
        return known is not None and known.outcome is not None

    def _outcome(self, records: Sequence[Record]) -> Outcome:
        """Failed where a run failed, pruned where one diverged, else the mean objective."""
        statuses = {record.status for record in records}
        if "failed" in statuses:
            return Outcome(TrialState.FAIL, None)
        if "diverged" in statuses:
            return Outcome(TrialState.PRUNED, None)
        values = [measured(record.metrics, self.plan.objective) for record in records]
        return Outcome(TrialState.COMPLETE, mean_cost(values))

    def best(self, arm: int) -> tuple[Slot, float] | None:
        """The arm's winner so far, and its mean objective; ``None`` if no trial completed."""
        objective = self.plan.objective
        return winner_by_runs(
            {
                slot: [measured(record.metrics, objective) for record in made]
                for slot, made in self._could_win(arm).items()
            }
        )

    def sparsest(self, arm: int) -> Slot | None:
        """The arm's sparsest trial that is as good as its winner; ``None`` where that is it.

        And where the plan confirms none.
        """
        if self.plan.margin is None or not self.plan.sparsest[arm]:
            return None
        best = self.best(arm)
        if best is None:
            return None
        could_win, replicates = self._could_win(arm), self.plan.budget.replicates
        costs = {slot: cost for slot, cost in self._completed(arm).items() if slot in could_win}
        zeros = {
            slot: mean_cost(
                record.metrics.get("zero_fraction", 0.0) for record in made[:replicates]
            )
            for slot, made in could_win.items()
        }
        found = sparsest(costs, zeros, best[0], self.plan.margin)
        return None if found == best[0] else found

    def ingredients(self, arm: int) -> tuple[str, ...]:
        """The keys of what is on in the arm's winner, of those that the plan takes out."""
        best = self.best(arm)
        record = self.record(self.places(best[0])[0]) if best else None
        if record is None:
            return ()
        return tuple(k for k in self.plan.ablated[arm] if record.config.get(k) is not None)

    def _could_win(self, arm: int) -> dict[Slot, list[Record]]:
        """The records of each trial of which all completed, those of the search seeds first."""
        found = {}
        for slot in self._completed(arm):
            places = (Place("search", slot, seed) for seed in self.plan.finalist_seeds)
            records = [self.record(place) for place in (*self.places(slot), *places)]
            made = [record for record in records if record is not None]
            if all(record.status == "completed" for record in made):
                found[slot] = made
        return found

    def finalists(self, arm: int) -> list[Slot]:
        """The arm's best trials by the search seeds, as many as are run again before one wins.

        None where there is nothing to choose among.
        """
        completed = self._completed(arm)
        if self.plan.budget.finalists == 1 or len(completed) == 1:
            return []
        return sorted(completed, key=completed.__getitem__)[: self.plan.budget.finalists]

    def _completed(self, arm: int) -> dict[Slot, float]:
        """The trials of an arm that completed on the search seeds, and their objectives."""
        slots = [Slot(arm, number) for number in range(self.plan.trials[arm])]
        return {
            slot: known.outcome.value
            for slot in slots
            if (known := self.recorded(slot)) and known.outcome and known.outcome.value is not None
        }

    def states(self) -> list[TrialState]:
        """How the trials ended that have ended."""
        known = [self.recorded(slot) for one in self.plan.rounds() for slot in one]
        return [one.outcome.state for one in known if one and one.outcome]

    def refuse_more(self, before: SweepFile | None = None) -> None:
        """Refuse a plan of fewer trials or confirm seeds than have been run, or of seeds seen.

        ``before`` is what the sweep was asked for, if it has begun.

        Raises:
            InputError: there are records beyond the plan, of another look at its seeds, or of the
                same seeds on other rows.
        """
        plan, budget = self.plan, self.plan.budget
        confirmed_from = min(before.seeds.get("confirm", ()), default=None) if before else None
        searched = plan.search_seeds.stop
        for arm, trials in enumerate(plan.trials):
            done = [trial for trial, _ in self._published("search", arm)]
            if max(done, default=0) >= trials:
                raise InputError(
                    f"hydra.sweeper.n_trials={trials}: {self.directory} already holds "
                    f"{max(done) + 1} trials of {plan.arms[arm].name}; ask for as many or more"
                )
            again = [run for run in self._published("search", arm) if run[1] >= searched]
            if {seed for _, seed in again} - {*plan.finalist_seeds}:
                key = "finalists" if budget.finalists == 1 else "finalist_seeds"
                raise self._too_few(before, (key,), "runs of finalists on more seeds")
            # More trials may have brought finalists beside these.
            finalists = len({trial for trial, _ in again})
            asked = before.budget.get("finalists", 1) if before else 0
            if budget.finalists < min(asked, finalists):
                raise self._too_few(before, ("finalists",), f"runs of {finalists} finalists")
            seeds = {seed for _, seed in self._published("confirm", arm)}
            if confirmed_from not in (None, plan.confirm_from):
                if seeds & set(plan.confirm_seeds):
                    raise InputError(
                        f"hydra.sweeper.confirm_from={plan.confirm_from}: {self.directory} holds "
                        f"runs of seed {min(seeds & set(plan.confirm_seeds))}; expected seeds that "
                        f"no look has seen, from {max(seeds) + 1} on"
                    )
            elif {seed for seed in seeds if seed >= plan.confirm_from} - set(plan.confirm_seeds):
                keys = ("max_confirm_seeds", "confirm_seeds")
                one_look = not 0 < budget.confirm_seeds < budget.max_confirm_seeds
                held = f"confirm runs of {len(seeds)} seeds"
                raise self._too_few(before, keys[::-1] if one_look else keys, held)
            self._refuse_other_rows(arm)

    def _too_few(self, before: SweepFile | None, keys: Sequence[str], held: str) -> InputError:
        """That there are more runs than are asked for, by those of ``keys`` that were lowered.

        Where that is not known, by the first.
        """
        budget = asdict(self.plan.budget)
        known = before.budget if before else {}
        lowered = [key for key in keys if budget[key] < known.get(key, 0)] or keys[:1]
        given = ", ".join(f"hydra.sweeper.{key}={budget[key]}" for key in lowered)
        return InputError(
            f"{given}: {self.directory} already holds {held}; ask for as many or more"
        )

    def _refuse_other_rows(self, arm: int) -> None:
        """Refuse confirm runs of a plan's seed that drew rows by it where the plan's do not."""
        runs = self._published("confirm", arm)
        for place in (Place("confirm", Slot(arm, trial), seed) for trial, seed in runs):
            record = self.record(place) if place.seed in self.plan.confirm_seeds else None
            line = f"{ROWS_SEED}={place.seed}"
            draws = line in self.plan.overrides(place, ())
            if record and draws != (line in record.overrides):
                other = "seeds" if draws else "rows"
                raise InputError(
                    f"hydra.sweeper.resample={self.plan.resample}: {self.directory} holds confirm "
                    f"runs of resample={other}; expected {other}, or seeds that no look has seen, "
                    f"by hydra.sweeper.confirm_from={max(seed for _, seed in runs) + 1}"
                )

    def has_confirmed(self) -> bool:
        """Whether there is a confirm run of any arm."""
        return any(self._published("confirm", arm) for arm in range(len(self.plan.arms)))

    def has_looked(self, before: SweepFile) -> bool:
        """Whether all runs of the first look of ``before`` have been made, of any two arms."""
        first = set(before.seeds.get("confirm", ())[: min(before.looks, default=0)])
        published = [
            {seed for _, seed in self._published("confirm", arm)}
            for arm in range(len(self.plan.arms))
        ]
        return bool(first) and sum(first <= seeds for seeds in published) > 1

    def _published(self, stage: Literal["search", "confirm"], arm: int) -> list[tuple[int, int]]:
        """The trial and the seed of every published run of an arm."""
        any_run = self.plan.folder(Place(stage, Slot(arm, 0), 0))
        folder = self.directory / Path(any_run).parent
        names = [path.parent.name for path in folder.glob(f"*/{FILE_NAME}")]
        runs = [match for name in names if (match := re.fullmatch(r"(\d+)-(\d+)", name))]
        return [(int(trial), int(seed)) for trial, seed in (match.groups() for match in runs)]


def _disagreeing(record: Record) -> str | None:
    """A searched key whose number in the record's overrides is not that in its params."""
    given = dict(line.split("=", 1) for line in record.overrides if "=" in line)
    for key, value in record.params.items():
        if type(value) in (int, float) and key in given and _number(given[key]) != value:
            return key
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
