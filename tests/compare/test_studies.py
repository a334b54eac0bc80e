import json
import logging
import math
import pickle
from functools import cache

import optuna
import pytest
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import text

from regsweep.compare import studies as module
from regsweep.compare.index import Index
from regsweep.compare.space import (
    count_trials,
    drawn_at_random,
    grid_point,
    override_lines,
    params_of,
)
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Outcome, Recorded, Studies
from regsweep.errors import InputError

SPACE = {
    "regularizer.weight": FloatDistribution(1e-6, 1e-2, log=True),
    "model.hidden": CategoricalDistribution(["[64]", "[32,16]"]),
    "trainer.batch_size": IntDistribution(10, 200),
}
SAMPLERS = {
    "tpe": {
        "_target_": "optuna.samplers.TPESampler",
        "seed": None,
        "n_startup_trials": 4,
        "multivariate": True,
        "constant_liar": True,
    },
    "random": {"_target_": "optuna.samplers.RandomSampler", "seed": None},
}
SAMPLERS["cmaes"] = {
    "_target_": "optuna.samplers.CmaEsSampler",
    "seed": None,
    "popsize": 4,
    "warn_independent_sampling": True,
}
SAMPLERS["nsgaii"] = {
    "_target_": "hydra_plugins.hydra_optuna_sweeper._impl.create_nsgaii_sampler",
    "seed": None,
    "population_size": 4,
}
SAMPLERS["qmc"] = {"_target_": "optuna.samplers.QMCSampler", "seed": None, "scramble": True}
SAMPLERS["grid"] = {"_target_": "optuna.samplers.GridSampler", "_partial_": True, "seed": None}
ROUND, TRIALS = 5, 20


pytestmark = pytest.mark.usefixtures("quiet_optuna")


def studies(directory, sampler="tpe", seed=0, names=("l1",), space=SPACE, prefix="", folder=None):
    directory.mkdir(exist_ok=True)
    node = OmegaConf.create(SAMPLERS[sampler])
    shown = [f"{prefix}: {name}" if prefix else name for name in names]
    index = Index(open_storage(None, directory), shown, folder)
    return Studies(names, [space] * len(names), node, seed, index)


def result(params):
    """A stand-in for training: some trials fail, some diverge, the others have a value."""
    weight = params["regularizer.weight"]
    if params["trainer.batch_size"] % 7 == 0:
        return Outcome(TrialState.FAIL, None)
    if params["trainer.batch_size"] % 7 == 1:
        return Outcome(TrialState.PRUNED, None)
    return Outcome(TrialState.COMPLETE, abs(weight - 1e-4) + len(params["model.hidden"]))


def search(one, records, until=TRIALS, told=True):
    """Rounds of five up to ``until`` trials, on top of what ``records`` hold."""
    for first in range(0, until, ROUND):
        numbers = range(first, min(first + ROUND, until))
        params = {n: one.params(0, n, records.get(n)) for n in numbers}
        for n in numbers:
            records[n] = Recorded(params[n], result(params[n]))
        if told or numbers.stop < until:
            for n in numbers:
                one.tell(0, n, records[n].outcome)
    one.index.write()
    return {n: dict(records[n].params) for n in range(until)}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The trials of a search by a sampler that nothing cut off."""

    @cache
    def of(sampler):
        return search(studies(tmp_path_factory.mktemp(sampler) / "whole", sampler), {})

    return of


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("lost", [False, True], ids=["storage kept", "storage lost"])
@pytest.mark.parametrize("cut", [3, 5, 8, 13])
def test_a_search_that_was_cut_off_goes_on_as_it_would_have(
    tmp_path, untouched, sampler, lost, cut
):
    records = {}
    search(studies(tmp_path / "cut", sampler), records, until=cut, told=False)
    # Of the round that was cut off, the second trial has left no record.
    records.pop(cut // ROUND * ROUND + 1, None)

    again = studies(tmp_path / ("new" if lost else "cut"), sampler)
    assert search(again, records) == untouched(sampler)


@pytest.mark.parametrize("cut", [8, 13, 18])
def test_so_it_does_where_suggestions_see_a_few_trials_alone(tmp_path, monkeypatch, untouched, cut):
    monkeypatch.setattr(module, "SEEN", 3)
    monkeypatch.setattr(module, "BEST_SEEN", 1)
    whole, one = {}, studies(tmp_path / "whole")
    search(one, whole)
    records = {}
    search(studies(tmp_path / "cut"), records, until=cut, told=False)
    records.pop(cut // ROUND * ROUND + 1, None)

    assert search(studies(tmp_path / "new"), records) == {n: r.params for n, r in whole.items()}
    assert {n: r.params for n, r in whole.items()} != untouched("tpe")
    _, seen = one.seen[0]
    assert len(seen.trials) <= 2 * 3


def test_a_suggestion_sees_the_best_trials_and_the_latest(monkeypatch):
    monkeypatch.setattr(module, "SEEN", 4)
    monkeypatch.setattr(module, "BEST_SEEN", 2)
    study = optuna.create_study()
    for value in (3.0, 1.0, None, 2.0, 9.0, None, 8.0):
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        study.add_trial(optuna.create_trial(state=state, value=value))

    assert [trial.number for trial in module.best_and_latest(study.trials)] == [1, 3, 5, 6]


def test_more_trials_than_asked_at_first_are_those_of_a_longer_search(tmp_path, untouched):
    records = {}
    search(studies(tmp_path / "short"), records, until=12)

    # Told already, though the round is not over: the others of the round must not see it.
    again = studies(tmp_path / "short")
    assert search(again, records) == untouched("tpe")


def test_suggestions_depend_on_seed_arm_and_number(tmp_path):
    first = search(studies(tmp_path / "a"), {})
    other_seed = search(studies(tmp_path / "b", seed=1), {})
    other_arm = search(studies(tmp_path / "c", names=("l2",)), {})

    weights = [trial["regularizer.weight"] for trial in first.values()]
    assert len(set(weights)) == TRIALS
    assert first[0] != other_seed[0]
    assert first[0] != other_arm[0]


def test_a_search_learns(tmp_path):
    found = search(studies(tmp_path / "tpe"), {}, until=60)

    late = [abs(found[n]["regularizer.weight"] - 1e-4) for n in range(40, 60)]
    early = [abs(found[n]["regularizer.weight"] - 1e-4) for n in range(20)]
    assert sorted(late)[10] < sorted(early)[10]


def held_in(directory, name="l1"):
    """What others see of a study."""
    return optuna.load_study(study_name=name, storage=f"sqlite:///{directory}/optuna.db").trials


def test_the_storage_shows_what_was_told(tmp_path):
    records = {}
    search(studies(tmp_path / "s"), records)

    trials = held_in(tmp_path / "s")
    assert [(t.params, t.state, t.value) for t in trials] == [
        (r.params, r.outcome.state, r.outcome.value) for r in records.values()
    ]
    assert {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL} == {t.state for t in trials}


def test_pending_trials_are_shown_as_such(tmp_path):
    search(studies(tmp_path / "s"), {}, until=8, told=False)

    assert [trial.state.is_finished() for trial in held_in(tmp_path / "s")] == [True] * 5 + [
        False
    ] * 3


def test_what_contradicts_the_records_is_written_anew(tmp_path):
    records = {}
    search(studies(tmp_path / "s"), records, until=10)
    records[2] = Recorded(records[2].params, Outcome(TrialState.COMPLETE, 123.0))

    again = studies(tmp_path / "s")
    for n in range(5):
        again.params(0, n, records[n])
    for n in range(5):
        again.tell(0, n, records[n].outcome)
    again.index.write()

    trials = held_in(tmp_path / "s")
    assert len(trials) == 5
    assert trials[2].value == 123.0


def test_a_grid_is_walked_through_once(tmp_path):
    space = {
        "a": CategoricalDistribution(["x", "y"]),
        "b": IntDistribution(1, 5, step=2),
        "c": FloatDistribution(0.0, 0.5, step=0.25),
    }
    node = OmegaConf.create(SAMPLERS["grid"])
    assert count_trials("x=y", space, 100, node) == 18

    one = studies(tmp_path / "s", "grid", space=space)
    points = [one.params(0, n, None) for n in range(18)]

    assert [tuple(p.values()) for p in points[:4]] == [
        ("x", 1, 0.0), ("x", 1, 0.25), ("x", 1, 0.5), ("x", 3, 0.0),
    ]  # fmt: skip
    assert len({json.dumps(p) for p in points}) == 18


def test_a_grid_that_is_larger_than_the_budget_is_refused():
    space = {"a": IntDistribution(1, 3), "b": IntDistribution(1, 5)}

    with pytest.raises(InputError) as caught:
        count_trials("regularizer=elastic", space, 5, OmegaConf.create(SAMPLERS["grid"]))

    assert str(caught.value) == (
        "hydra.sweeper.n_trials=5: the grid of regularizer=elastic has 15 points; give at least "
        "as many, or take hydra/sweeper/sampler=random"
    )


def test_an_arm_with_nothing_to_search_is_tried_once():
    assert count_trials("x=y", {}, 20, OmegaConf.create(SAMPLERS["tpe"])) == 1
    assert count_trials("x=y", SPACE, 20, OmegaConf.create(SAMPLERS["tpe"])) == 20


def test_parameters_come_back_from_a_jobs_overrides():
    params = {"regularizer.weight": 1.2345678901234567e-05, "model.hidden": "[32,16]"}
    params["trainer.batch_size"] = 17
    lines = ["regularizer=l1", *override_lines(params), "seed=0", "~x"]

    assert params_of(lines, SPACE) == params


@pytest.mark.parametrize(
    "line", ["regularizer.weight=1", "regularizer.weight=x", "model.hidden=[1]"]
)
def test_parameters_of_another_space_are_refused(line):
    key = line.partition("=")[0]

    with pytest.raises((ValueError, KeyError, StopIteration)):
        params_of([line], {key: SPACE[key]})


def test_what_a_study_is_called_changes_no_suggestion(tmp_path):
    plain = search(studies(tmp_path / "a"), {}, until=5)

    assert search(studies(tmp_path / "b", prefix="mine"), {}, until=5) == plain


def test_a_study_of_another_folder_is_left_alone(tmp_path):
    shared = tmp_path / "s"
    search(studies(shared, prefix="mine", folder=tmp_path / "one"), {}, until=5)

    with pytest.raises(InputError) as caught:
        studies(shared, prefix="mine", folder=tmp_path / "other")

    assert str(caught.value) == (
        f"hydra.sweeper.storage: it holds a study 'mine: l1' of {tmp_path / 'one'}; "
        "take another hydra.sweeper.study_name"
    )
    again = studies(shared, prefix="mine", folder=tmp_path / "one")
    assert len(again.index.known["mine: l1"][1]) == 5


def testgrid_points_are_the_decimals_that_were_written():
    space = {"a": FloatDistribution(0.1, 0.3, step=0.1)}

    assert [grid_point(space, n)["a"] for n in range(3)] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("sampler", ["cmaes", "nsgaii", "qmc"])
@pytest.mark.parametrize("cut", [8, 13])
def test_a_sampler_that_keeps_notes_goes_on_as_it_would_have(tmp_path, untouched, sampler, cut):
    records = {}
    search(studies(tmp_path / "cut", sampler), records, until=cut, told=False)
    records.pop(cut // ROUND * ROUND + 1, None)

    assert search(studies(tmp_path / "cut", sampler), records) == untouched(sampler)


def test_cmaes_searches_one_key_too(tmp_path):
    space = {"x": FloatDistribution(1e-6, 1e-2, log=True)}
    one = studies(tmp_path / "s", "cmaes", space=space)
    off = []
    for n in range(40):
        off.append(abs(math.log10(one.params(0, n, None)["x"]) + 4))
        one.tell(0, n, Outcome(TrialState.COMPLETE, off[n]))

    assert max(off[-10:]) < 0.5  # of the interval's four decades at random: 2 each way


@pytest.mark.parametrize(
    ("sampler", "changed", "keys"),
    [
        ("cmaes", {}, ["model.hidden"]),
        ("cmaes", {"independent_sampler": {"_target_": "optuna.samplers.TPESampler"}}, []),
        ("tpe", {}, []),
        ("qmc", {}, []),
    ],
)
def test_it_is_known_what_a_sampler_leaves_to_chance(sampler, changed, keys):
    assert list(drawn_at_random(SPACE, OmegaConf.create(SAMPLERS[sampler] | changed))) == keys


def test_what_is_left_to_chance_is_not_told_for_each_trial(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("optuna"), "propagate", True)
    search(studies(tmp_path / "s", "cmaes"), {}, until=10)

    assert caplog.messages == []


class _Writes:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_that_a_storage_holds_is_executed(tmp_path):
    records = {}
    search(studies(tmp_path / "s", "cmaes"), records, until=10)
    storage = RDBStorage(f"sqlite:///{tmp_path}/s/optuna.db")
    [study] = storage.get_all_studies()
    pickled = pickle.dumps(_Writes(str(tmp_path / "executed"))).hex()
    for trial in storage.get_all_trials(study._study_id):
        key = "cma:optimizer:0"
        with storage.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO trial_system_attributes (trial_id, key, value_json) "
                     "VALUES (:id, :key, :value)"),
                {"id": trial._trial_id, "key": key, "value": json.dumps(pickled)},
            )  # fmt: skip
    storage.engine.dispose()

    search(studies(tmp_path / "s", "cmaes"), records)

    assert not (tmp_path / "executed").exists()


def test_scrambled_qmc_is_one_sequence(tmp_path):
    space = {"x": FloatDistribution(0.0, 1.0)}
    one = studies(tmp_path / "s", "qmc", space=space)
    drawn = []
    for first in range(0, 64, 16):
        drawn += [one.params(0, n, None)["x"] for n in range(first, first + 16)]
        for n in range(first, first + 16):
            one.tell(0, n, Outcome(TrialState.COMPLETE, 0.0))

    # The first is drawn by itself; 64 scrambles would hit 42.
    assert len({int(64 * x) for x in drawn[1:]}) == 63
