"""Keys that may be null: what a trial that leaves them out has, and how they are searched."""

import math
from types import SimpleNamespace

import pytest
from composed import checked_sweep
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from regsweep.compare.space import (
    count_trials,
    drawn_at_random,
    grid_point,
    override_lines,
    params_of,
)
from regsweep.compare.studies import Outcome, Recorded, Studies
from regsweep.errors import InputError
from regsweep.settings.regularizer import INGREDIENTS
from tests.compare.test_studies import SAMPLERS, held_in
from tests.compare.test_studies import studies as kept_studies

STRENGTH = FloatDistribution(1e-6, 1e-2, log=True)
SWITCH = CategoricalDistribution([True, False])
KEYS = ("a", "b", "c", "d")
SPACE = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    **{name: one for key in KEYS for name, one in ((f"{key} on", SWITCH), (key, STRENGTH))},
}
GP = {"gp": {"_target_": "optuna.samplers.GPSampler", "seed": None}}
ROUND, TRIALS = 5, 25


pytestmark = pytest.mark.usefixtures("quiet_optuna")


def studies(sampler="tpe", seed=0):
    """Studies that no storage shows."""
    unseen = SimpleNamespace(names=["l1"], show=lambda name, trials: None)
    return Studies(["l1"], [SPACE], OmegaConf.create(SAMPLERS[sampler]), seed, unseen)


def outcome(params):
    """Best with a at 1e-4, and without b and c; where c is strong the trial diverges."""
    if params.get("c", 0.0) > 3e-3:
        return Outcome(TrialState.PRUNED, None)
    off = abs(math.log10(params["a"]) + 4) if "a" in params else 5.0
    return Outcome(TrialState.COMPLETE, off + 2 * params["b on"] + params["c on"] + params["lr"])


def search(one, records, until=TRIALS, told=True):
    for first in range(0, until, ROUND):
        numbers = range(first, min(first + ROUND, until))
        params = {n: dict(one.params(0, n, records.get(n))) for n in numbers}
        records |= {n: Recorded(params[n], outcome(params[n])) for n in numbers}
        for n in numbers if told or numbers.stop < until else ():
            one.tell(0, n, records[n].outcome)
    return {n: dict(records[n].params) for n in range(until)}


def test_a_key_that_is_off_has_no_value_and_is_null_to_its_job(tmp_path):
    one = kept_studies(tmp_path / "s", space=SPACE)
    found = search(one, {})
    one.index.write()

    for params in found.values():
        switches = [key for key in params if key.endswith(" on")]
        assert switches == [f"{key} on" for key in KEYS]
        assert all((key in params) is params[f"{key} on"] for key in KEYS)
        lines = override_lines(params)
        assert [line.partition("=")[0] for line in lines] == ["lr", *KEYS]
        assert [line.endswith("=null") for line in lines[1:]] == [key not in params for key in KEYS]
        assert params_of(["regularizer=x", *lines, "seed=0"], SPACE) == params
    assert [trial.params for trial in held_in(tmp_path / "s")] == list(found.values())


def test_what_is_not_of_the_space_is_refused():
    lines = ["lr=1e-3", "a=null", "b=1e-5", "c=null", "d=null"]
    assert params_of(lines, SPACE)["b"] == 1e-5

    for wrong in ("b=1", "b=None", "lr=null", "x=1"):
        key = wrong.partition("=")[0]
        with pytest.raises((ValueError, KeyError)):
            params_of([line for line in lines if not line.startswith(f"{key}=")] + [wrong], {
                "x": STRENGTH, **SPACE})  # fmt: skip


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "nsgaii", "qmc"])
def test_a_search_that_was_cut_off_goes_on_as_it_would_have(sampler):
    untouched = search(studies(sampler), {})
    assert {params["a on"] for params in untouched.values()} == {True, False}
    for cut in (8, 18):
        records = {}
        search(studies(sampler), records, cut, told=False)
        records.pop(cut // ROUND * ROUND + 1)

        assert search(studies(sampler), records) == untouched


def test_so_it_does_where_all_trials_so_far_had_a_key_that_a_pending_one_leaves_out():
    on = {"lr": 1e-2, "a on": True, "a": 1e-4, "b on": False, "c on": False, "d on": False}
    trials = [on | {"lr": n / 100} for n in range(1, 6)]
    early = {n: Recorded(params, outcome(params)) for n, params in enumerate(trials)}

    untouched = search(studies(), dict(early), until=15)
    assert any("a" not in untouched[n] for n in range(5, 10))
    for n in range(5, 15):
        records = {k: Recorded(untouched[k], outcome(untouched[k])) for k in range(n)}
        assert search(studies(), records, until=15) == untouched


def test_switches_are_even_at_first_and_then_learned():
    first, late = [], []
    for seed in range(4):
        found = list(search(studies(seed=seed), {}, until=60).values())
        first += found[:ROUND]
        late += found[-20:]

    def share(trials, *keys):
        return (
            sum(params[f"{key} on"] for params in trials for key in keys) / len(trials) / len(keys)
        )

    # Of an even coin 80 throws have a deviation of 0.06.
    assert abs(share(first, *KEYS) - 0.5) < 0.2
    assert share(late, "a") > 0.7
    assert share(late, "b") < 0.3
    off = sorted(abs(math.log10(params["a"]) + 4) for params in late if "a" in params)
    assert off[len(off) // 2] < 0.5  # at random 1, of four decades


def test_a_grid_has_each_key_off_once():
    space = {
        "a on": SWITCH,
        "a": CategoricalDistribution(["x", "y"]),
        "b": CategoricalDistribution([1, 2]),
    }
    grid = OmegaConf.create(SAMPLERS["grid"])

    assert count_trials("x=y", space, 20, grid) == 6
    assert [grid_point(space, n) for n in range(6)] == [
        {"a on": False, "b": 1},
        {"a on": False, "b": 2},
        {"a on": True, "a": "x", "b": 1},
        {"a on": True, "a": "x", "b": 2},
        {"a on": True, "a": "y", "b": 1},
        {"a on": True, "a": "y", "b": 2},
    ]


@pytest.mark.parametrize(
    ("sampler", "keys"),
    [("tpe", []), ("random", []), ("grid", []), ("cmaes", KEYS), ("gp", KEYS), ("qmc", KEYS)],
)
def test_it_is_known_which_samplers_leave_them_to_chance(sampler, keys):
    found = drawn_at_random(SPACE, OmegaConf.create((SAMPLERS | GP)[sampler]))

    assert found == dict.fromkeys(
        keys, "hydra/sweeper/sampler=tpe alone searches keys that may be null"
    )


L1 = "tag(log, or_null, interval(1e-6, 1e-2))"


@pytest.mark.parametrize(
    ("given", "space", "tried"),
    [
        ((), L1, {1e-6, 1e-2, None}),
        (("regularizer.l1=choice([null])",), None, {None}),
        (("regularizer.l1=choice(0.1)",), None, {0.1}),
        (("regularizer.l1=interval(0.5,1.0)",), "interval(0.5,1.0)", {0.5, 1.0}),
        (
            ("regularizer.l1=tag(or_null,choice(0.5,1.0))",),
            "tag(or_null,choice(0.5,1.0))",
            {0.5, 1.0, None},
        ),
    ],
)
def test_the_command_line_says_what_becomes_of_an_ingredient(given, space, tried):
    _, sweep = checked_sweep("regularizer=none,cocktail", *given)

    [_, arm] = sweep.arms
    assert arm.space.get("regularizer.l1") == space
    assert {run.regularizer.l1 for run in arm.runs} == tried
    assert len(arm.runs) <= 1 + 2 * len(INGREDIENTS)  # not their combinations


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ("hydra/sweeper=optuna",),
            f"regularizer.l1={L1}: hydra/sweeper=compare alone tries null beside what is searched; "
            "take it, or leave out or_null",
        ),
        (
            ("hydra/sweeper=basic", "regularizer.l1=tag(or_null,choice(1,2))"),
            "regularizer.l1=tag(or_null,choice(1,2)): hydra/sweeper=compare alone tries null "
            "beside what is searched; take it, or leave out or_null",
        ),
        (
            ("regularizer.l1=tag(or_null,interval(-1.0,1.0))",),
            "regularizer.l1=-1.0: expected a finite number, 0 or above",
        ),
        (
            ("optimizer.lr=tag(or_null,interval(0.1,1.0))",),
            "optimizer.lr=None: expected a number",
        ),
    ],
)
def test_one_message_where_a_key_cannot_be_null(given, message):
    with pytest.raises(InputError) as caught:
        checked_sweep("regularizer=cocktail", *given)

    assert str(caught.value) == message
