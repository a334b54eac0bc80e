"""The two stages of a sweep: search in rounds and among finalists, then confirm the winners."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from optuna.trial import TrialState

from regsweep.compare.ledger import Ledger
from regsweep.compare.live import View
from regsweep.compare.plan import Place, Plan, Slot
from regsweep.compare.space import override_lines
from regsweep.compare.studies import Studies
from regsweep.errors import InputError
from regsweep.records.objective import JUDGED, measured
from regsweep.records.record import Role
from regsweep.report.tables.ablation import ablations
from regsweep.report.tables.looks import Arm, judge_arms, seeds_to_decide

# Trains runs and publishes their records; the parameters are those of each run's trial.
Launch = Callable[[Sequence[Place], Mapping[Slot, Sequence[str]]], None]


class TooManyFailed(InputError):
    """More of the trials failed or diverged than ``hydra.sweeper.max_failure_rate`` allows."""


def search(plan: Plan, studies: Studies, ledger: Ledger, launch: Launch, view: View) -> None:
    """Ask for the trials of a round, run what has no record yet, tell them all; round by round.

    Then the finalists are run again, where a plan has several; the studies are not told of it.

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
    if again := missing_of_finalists(plan, ledger):
        _launch_missing(again, _params(ledger, (place.slot for place in again)), ledger, launch)
        view.told(ledger)


def missing_of_finalists(plan: Plan, ledger: Ledger) -> list[Place]:
    """The runs of the finalists of all arms that have no record; all arms seed by seed."""
    slots = [slot for arm in range(len(plan.arms)) for slot in ledger.finalists(arm)]
    places = [Place("search", slot, seed) for seed in plan.finalist_seeds for slot in slots]
    return [place for place in places if ledger.record(place) is None]


def confirm(plan: Plan, ledger: Ledger, launch: Launch, view: View) -> None:
    """Train the winner of every arm again, on the fresh seeds of one look after the other.

    And what is confirmed beside them: sparsest trials, and winners without an ingredient.
    """
    slots = (*_winners(plan, ledger).values(), *_sparsest(plan, ledger).values())
    params = _params(ledger, slots)
    while places := next_look(plan, ledger):
        _launch_missing(places, params, ledger, launch)
        view.judged(judged_so_far(plan, ledger))


def judged_so_far(plan: Plan, ledger: Ledger) -> Mapping[str, Arm]:
    """Each arm that has a winner, by its name, as its confirm runs so far judge it."""
    return judge_arms(_confirmed(plan, ledger), plan.look_plan)


def seeds_to_go_on(plan: Plan, ledger: Ledger) -> int | None:
    """The seeds that would be likely to decide about the margin every arm that can be decided."""
    results = _confirmed(plan, ledger)
    judged = judge_arms(results, plan.look_plan)
    needed = [seeds_to_decide(one, arm, results, plan.look_plan) for arm, one in judged.items()]
    return max(filter(None, needed), default=None)


def _confirmed(plan: Plan, ledger: Ledger) -> dict[str, dict[int, float]]:
    """What the arms are judged on, by arm and seed; infinite where a run broke off."""
    return {
        plan.arms[arm].name: _results(plan, ledger, slot)
        for arm, slot in _winners(plan, ledger).items()
    }


def _results(
    plan: Plan, ledger: Ledger, slot: Slot, without: str | None = None
) -> dict[int, float]:
    """What the confirm runs of a trial are judged on, by seed."""
    metric = JUDGED[plan.objective]
    places = [Place("confirm", slot, seed, without=without) for seed in plan.confirm_seeds]
    return {
        place.seed: measured(run.metrics, metric) if run.status == "completed" else math.inf
        for place in places
        if (run := ledger.record(place)) is not None
    }


def next_look(plan: Plan, ledger: Ledger) -> list[Place]:
    """The confirm runs that are missing up to the next look; none where all arms are decided.

    At the first look these are the runs of every winner, then those of the arms that are not
    decided, and of their baselines. A sparsest trial has the seeds of its arm's winner, and so has
    the winner without an ingredient, until that one is decided.
    """
    if not plan.looks:
        return []
    winners = _winners(plan, ledger)
    wanted = [(slot, plan.looks[0]) for slot in winners.values()]
    judged = judged_so_far(plan, ledger)
    for arm, slot in winners.items():
        one = judged[plan.arms[arm].name]
        seeds = _next_after(one, plan)
        if one.open:
            baseline = next(i for i in winners if plan.arms[i].name == plan.baselines[arm])
            wanted += [(slot, seeds), (winners[baseline], seeds)]
    last = len(plan.confirm_seeds)
    beside: list[tuple[Slot, Slot, int, Role, str | None]] = [
        (winners[a], slot, last, "sparsest", None) for a, slot in _sparsest(plan, ledger).items()
    ]
    for arm, slot in winners.items():
        undecided = _undecided_ingredients(plan, ledger, arm, slot)
        beside += [(slot, slot, seeds, "ablation", key) for key, seeds in undecided.items()]
    places: list[Place] = []
    for count, seed in enumerate(plan.confirm_seeds):
        of_seed = [Place("confirm", slot, seed) for slot, seeds in wanted if count < seeds]
        for winner, slot, seeds, role, without in beside:
            own = Place("confirm", winner, seed)
            if count < seeds and (own in of_seed or ledger.record(own) is not None):
                of_seed.append(Place("confirm", slot, seed, role, without))
        places += of_seed
    return [place for place in dict.fromkeys(places) if ledger.record(place) is None]


def _winners(plan: Plan, ledger: Ledger) -> dict[int, Slot]:
    best = {arm: ledger.best(arm) for arm in range(len(plan.arms))}
    return {arm: found[0] for arm, found in best.items() if found}


def _sparsest(plan: Plan, ledger: Ledger) -> dict[int, Slot]:
    found = {arm: ledger.sparsest(arm) for arm in range(len(plan.arms))}
    return {arm: slot for arm, slot in found.items() if slot}


def _next_after(one: Arm, plan: Plan) -> int:
    """The seeds of the look behind those that an arm was judged at."""
    return next((look for look in plan.looks if look > one.seeds), 0)


def _undecided_ingredients(plan: Plan, ledger: Ledger, arm: int, slot: Slot) -> dict[str, int]:
    """The keys of the winner's ingredients that are not decided, and the seeds of their next look.

    None where a run of the winner broke off.
    """
    won = _results(plan, ledger, slot)
    keys = () if math.inf in won.values() else ledger.ingredients(arm)
    without = {key: _results(plan, ledger, slot, key) for key in keys}
    judged = judge_arms(*ablations(won, without, keys, plan.look_plan))
    return {key: _next_after(one, plan) for key, one in judged.items() if one.open}


def _params(ledger: Ledger, slots: Iterable[Slot]) -> dict[Slot, Mapping[str, Any]]:
    """The parameters of trials that have a record."""
    params: dict[Slot, Mapping[str, Any]] = {}
    for slot in slots:
        recorded = ledger.recorded(slot)
        assert recorded is not None
        params[slot] = recorded.params
    return params


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
