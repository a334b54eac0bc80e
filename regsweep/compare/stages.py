"""The two stages of a sweep: search in rounds, then confirm each arm's winner."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.trial import TrialState

from regsweep.compare.ledger import Ledger
from regsweep.compare.live import View
from regsweep.compare.plan import Place, Plan, Slot
from regsweep.compare.space import override_lines
from regsweep.compare.studies import Studies
from regsweep.errors import InputError

# Trains runs and publishes their records; the parameters are those of each run's trial.
Launch = Callable[[Sequence[Place], Mapping[Slot, Sequence[str]]], None]


class TooManyFailed(InputError):
    """More of the trials failed or diverged than ``hydra.sweeper.max_failure_rate`` allows."""


def search(plan: Plan, studies: Studies, ledger: Ledger, launch: Launch, view: View) -> None:
    """Ask for the trials of a round, run what has no record yet, tell them all; round by round.

    Raises:
        TooManyFailed: the rest of the search is not worth its time.
    """
    for slots in plan.rounds():
        known = {slot: ledger.recorded(slot) for slot in slots}
        params = {slot: studies.params(slot.arm, slot.number, known[slot]) for slot in slots}
        places = [place for slot in slots for place in ledger.places(slot)]
        _launch_missing(places, params, ledger, launch)
        for slot in slots:
            ended = ledger.recorded(slot)
            assert ended is not None
            assert ended.outcome is not None
            studies.tell(slot.arm, slot.number, ended.outcome)
        view.told(ledger)
        _check_failures(plan, ledger)


def confirm(plan: Plan, ledger: Ledger, launch: Launch) -> None:
    """Train the winner of every arm again, on the fresh seeds."""
    params: dict[Slot, Mapping[str, Any]] = {}
    for arm in range(len(plan.arms)):
        if best := ledger.best(arm):
            recorded = ledger.recorded(best[0])
            assert recorded is not None
            params[best[0]] = recorded.params
    places = [Place("confirm", slot, seed) for seed in plan.confirm_seeds for slot in params]
    _launch_missing(places, params, ledger, launch)


def _launch_missing(
    places: Sequence[Place],
    params: Mapping[Slot, Mapping[str, Any]],
    ledger: Ledger,
    launch: Launch,
) -> None:
    missing = [place for place in places if ledger.record(place) is None]
    if missing:
        launch(missing, {slot: override_lines(values) for slot, values in params.items()})


def _check_failures(plan: Plan, ledger: Ledger) -> None:
    states, trials = ledger.states(), sum(plan.trials)
    failed = states.count(TrialState.FAIL) + states.count(TrialState.PRUNED)
    rate = plan.budget.max_failure_rate
    if failed / trials > rate:
        raise TooManyFailed(
            f"hydra.sweeper.max_failure_rate={rate}: {failed} of {trials} trials have failed or "
            "diverged; runs.csv says which, the records hold the tracebacks"
        )
