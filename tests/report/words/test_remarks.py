import shlex
from dataclasses import replace

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from regsweep.records import sweep_file
from regsweep.report.build import build_report

LOG = "tag(log, interval(1e-6, 1e-2))"
LINEAR = "interval(0.0, 1.0)"
# On a scale of four decades 5 % is a fifth of one; on one of length 1 it is 0.05.
INSIDE_LOW, OUTSIDE_LOW = 1e-6 * 10**0.19, 1e-6 * 10**0.21
INSIDE_HIGH, OUTSIDE_HIGH = 1e-2 / 10**0.19, 1e-2 / 10**0.21


def remarks(folder):
    return build_report([folder.root]).remarks


def edges(folder, value, sweep, key="regularizer.weight"):
    """What is said of a winner with this value of a key that was searched so."""
    folder.compared("l1", spaces={key: sweep})
    folder.trial(0, None, 0.5, params={key: value})
    folder.confirm("l1", [0.5, 0.5, 0.5], params={key: value})
    return remarks(folder)


def wider(remark):
    """The override that a remark prints, as a shell and then Hydra read it."""
    (word,) = shlex.split(remark.partition("A wider one: ")[2])
    return OverridesParser.create().parse_override(word)


def test_a_winner_at_the_edge_of_its_interval_is_named(folder):
    assert edges(folder, 1.23456789e-06, LOG) == (
        "regularizer=l1: the best regularizer.weight found, 1.235e-6, lies at the edge of its "
        "interval, tag(log, interval(1e-6, 1e-2)). A wider one: "
        "'regularizer.weight=tag(log, interval(1e-8,0.01))'",
    )


@pytest.mark.parametrize("value", [1e-6, INSIDE_LOW, INSIDE_HIGH, 1e-2])
def test_the_edges_of_a_log_interval_are_5_percent_of_its_decades(folder, value):
    (remark,) = edges(folder, value, LOG)
    override = wider(remark)
    assert override.key_or_group == "regularizer.weight"
    low, high = (1e-8, 1e-2) if value < 1e-4 else (1e-6, 1.0)
    assert (override.value().start, override.value().end) == pytest.approx((low, high))
    assert override.value().tags == {"log"}


@pytest.mark.parametrize("value", [OUTSIDE_LOW, 5e-3 / 50, OUTSIDE_HIGH])
def test_nothing_is_said_of_a_winner_inside_a_log_interval(folder, value):
    assert edges(folder, value, LOG) == ()


@pytest.mark.parametrize(
    ("value", "low", "high"), [(2.0, 0.5, 4.0), (2.09, 0.5, 4.0), (3.91, 2.0, 6.0), (4, 2.0, 6.0)]
)
def test_a_linear_interval_is_widened_by_its_own_range_but_not_below_0(folder, value, low, high):
    (remark,) = edges(folder, value, "interval(2.0, 4.0)" if low else LINEAR)
    found = wider(remark).value()
    assert (found.start, found.end) == (0.0 if low < 2 else low, high)
    assert found.tags == set()


@pytest.mark.parametrize("value", [2.11, 3.0, 3.89])
def test_nothing_is_said_of_a_winner_inside_a_linear_interval(folder, value):
    assert edges(folder, value, "interval(2.0, 4.0)") == ()


def test_there_is_nothing_below_0_on_a_linear_scale(folder):
    assert edges(folder, 0.01, LINEAR) == ()


def test_there_is_nothing_above_1_for_a_ratio(folder):
    assert edges(folder, 0.99, LINEAR, key="regularizer.l1_ratio") == ()


def test_a_ratio_may_be_searched_up_to_1_and_other_keys_beyond(folder):
    (remark,) = edges(folder, 0.99, LINEAR)
    assert wider(remark).value().end == 2.0


@pytest.mark.parametrize(
    ("sweep", "value", "low", "high"),
    [
        ("tag(log, int(interval(1, 100)))", 100, 1, 10_000),
        ("tag(log, int(interval(200, 20000)))", 200, 2, 20_000),
        ("tag(log, int(interval(10, 1000)))", 10, 1, 1000),
        ("int(interval(10, 20))", 20, 10, 30),
    ],
)
def test_an_interval_of_integers_stays_one(folder, sweep, value, low, high):
    (remark,) = edges(folder, value, sweep)
    found = wider(remark).value()
    assert (found.start, found.end) == (low, high)
    assert type(found.start) is type(found.end) is int


def test_there_is_no_integer_below_1_on_a_log_scale(folder):
    assert edges(folder, 1, "tag(log, int(interval(1, 100)))") == ()


def test_an_interval_may_name_its_ends(folder):
    (remark,) = edges(folder, 1e-6, "tag(log, interval(start=1e-6, end=1e-2))")
    assert (wider(remark).value().start, wider(remark).value().end) == (1e-8, 1e-2)


@pytest.mark.parametrize(
    ("sweep", "value"),
    [("choice(0.1, 0.2)", 0.1), ("choice(a, b)", "a"), ("range(1, 9)", 1), ("interval(3, 3)", 3)],
)
def test_nothing_is_said_of_choices_and_of_single_points(folder, sweep, value):
    assert edges(folder, value, sweep) == ()


@pytest.mark.parametrize(
    ("sweep", "value"),
    [
        ("interval(a, b)", 1.0),
        ("interval(1.2.3, 4)", 1.2),
        ("tag(log, interval(0, 1))", 0.5),
        ("tag(log, interval(1, 2))", -1.0),
    ],
)
def test_nothing_is_said_of_an_interval_that_no_sweep_can_have(folder, sweep, value):
    assert edges(folder, value, sweep) == ()


def test_only_the_winner_is_looked_at(folder):
    folder.compared("l1")
    folder.trial(0, 1e-6, 0.5)
    folder.trial(1, 1e-4, 0.25)
    folder.confirm("l1", [0.5, 0.5, 0.5], trial=1)
    assert remarks(folder) == ()


def test_remarks_on_one_of_several_sweeps_name_it(folder):
    for name, weight in (("a", 1e-4), ("b", 1e-2)):
        folder.compared("l1", name=name, baseline="regularizer=l1")
        folder.trial(0, weight, 0.25, sweep=name)
        folder.confirm("l1", [0.3, 0.35, 0.31], weight=weight, sweep=name)
    (remark,) = remarks(folder)
    assert remark.startswith("b: regularizer=l1: the best regularizer.weight found, 0.01, lies")


def test_a_search_that_is_not_finished_is_said_to_be(folder):
    folder.compared("none", "l1", budget={"n_trials": 2})
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.5)
    assert remarks(folder) == ("The search is not finished: 2 of 3 trials are done.",)
    folder.trial(1, 1e-3, 0.5)
    assert remarks(folder) == ("Not all of the 3 confirm seeds are done.",)


def test_a_grid_of_fewer_points_than_trials_has_finished_its_search(folder):
    folder.compared("l1", budget={"n_trials": 20, "confirm_seeds": 0}, trials=[2])
    folder.trial(0, 1e-3, 0.5)
    folder.trial(1, 1e-4, 0.5)
    assert not any("not finished" in remark for remark in remarks(folder))


def test_an_extended_sweep_is_not_finished_though_its_winner_is_confirmed(folder):
    folder.compared("l1", budget={"n_trials": 20})
    folder.arm("l1", [0.5, 0.25, 0.5])
    assert remarks(folder) == ("The search is not finished: 1 of 20 trials are done.",)


def test_a_trial_that_lacks_a_replicate_is_not_done(folder):
    folder.compared("l1", budget={"replicates": 2, "confirm_seeds": 0})
    folder.trial(0, 1e-4, 0.5)
    assert "The search is not finished: 0 of 1 trials are done." in remarks(folder)
    folder.trial(0, 1e-4, 0.5, seed=1)
    assert not any("not finished" in remark for remark in remarks(folder))


@pytest.mark.parametrize(
    ("key", "sweep", "value", "low", "high"),
    [
        ("optimizer.momentum", "interval(0.2, 0.9)", 0.9, None, None),
        ("optimizer.momentum", "interval(0.2, 0.9)", 0.2, 0.0, 0.9),
        ("regularizer.l1_ratio", "interval(0.2, 0.9)", 0.9, 0.2, 1.0),
        ("trainer.epochs", "int(interval(2, 10))", 2, 1, 10),
        ("trainer.batch_size", "int(interval(16, 40000))", 40000, None, None),
        ("optimizer.lr", "interval(0.001, 0.1)", 0.001, None, None),
    ],
)
def test_a_wider_interval_stays_in_what_the_key_may_be(folder, key, sweep, value, low, high):
    folder.compared("elastic", spaces={key: sweep})
    folder.trial(0, None, 0.5, arm="elastic", params={key: value})
    folder.confirm("elastic", [0.5, 0.5, 0.5], params={key: value})
    if low is None:
        assert remarks(folder) == ()
    else:
        found = wider(remarks(folder)[0]).value()
        assert (found.start, found.end) == (low, high)


def test_what_a_choice_of_a_study_may_be_is_not_known_here(folder):
    sweep = {"regularizer.weight": "interval(0.2, 0.9)"}
    folder.compared("l1", spaces=sweep, config={"regularizer.name": "orthogonal"})
    folder.trial(0, None, 0.5, arm="l1", params={"regularizer.weight": 0.2})
    folder.confirm("l1", [0.5, 0.5, 0.5], params={"regularizer.weight": 0.2})

    found = wider(remarks(folder)[0]).value()
    assert (found.start, found.end) == (0.0, 0.9)


def test_an_arm_without_a_winner_misses_no_confirm_run(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.trial(0, 1e-4, 0.5, status="failed")
    assert remarks(folder) == ("regularizer=l1 has no finished trial.",)


def test_confirm_runs_that_are_missing_are_told(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.arm("l1", [0.5, 0.25])
    assert remarks(folder) == ("Not all of the 3 confirm seeds are done.",)
    folder.confirm("l1", [0.5], seed=10002)
    assert remarks(folder) == ()


def test_means_over_other_numbers_of_seeds_are_told_apart(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5, 0.75])
    folder.arm("l1", [0.5, 0.25, 0.125])
    [remark] = remarks(folder)
    assert remark.startswith("Means are over 3 to 4 seeds, as arms that are decided stop; ")


def test_a_winner_that_was_not_confirmed_at_all_is_told(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.trial(0, 1e-4, 0.5)
    assert remarks(folder) == ("Not all of the 3 confirm seeds are done.",)


def test_a_winner_that_was_never_run_again_as_all_finalists_broke_off_is_told(folder):
    folder.compared("l1", spaces={}, budget={"finalists": 2, "finalist_seeds": 1, "n_trials": 3})
    for trial, loss in enumerate([0.1, 0.2, 0.3]):
        folder.trial(trial, None, loss)
    for trial in (0, 1):
        folder.trial(trial, None, 0.1, seed=1, status="diverged")
    folder.confirm("l1", [0.5, 0.25, 0.5], trial=2, params={})
    assert remarks(folder) == (
        "regularizer=l1: its winner, trial 2, was not run again before it won, as the finalists "
        "(trials 0 and 1) diverged or failed when they were.",
    )
    folder.trial(2, None, 0.1, seed=1)
    assert remarks(folder) == ()


def test_an_unstable_arm_misses_no_confirm_run(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.25, 0.5])
    folder.arm("l1", [0.5, 0.25])
    folder.trial(0, 1e-4, 0.25, seed=10002, stage="confirm", status="diverged")
    assert remarks(folder) == ()


def test_nothing_is_said_of_a_sweep_that_gave_its_arms_no_budgets(folder):
    folder.compared("none", "l1", sweeper="optuna", budget=None, spaces={})
    (folder.root / "sweep" / "sweep.json").unlink()
    folder.sweep(
        sweeper="optuna", arms=[{"regularizer": "l1"}], spaces=[{"regularizer.weight": LOG}]
    )
    folder.trial(0, 1e-6, 0.5)
    assert remarks(folder) == ()


def test_arms_that_were_given_other_numbers_of_trials_are_told(folder):
    path = folder.compared("l1", "l2", trials=[30, 20])
    folder.trial(0, None, 0.5)
    said = "Budgets differ: 30 trials for l1, 20 for l2. A longer search alone finds lower values."
    # As of a grid, whose arms have other numbers of points.
    assert said not in remarks(folder)

    asked = sweep_file.read(path)
    by_arm = {key: value for key, value in asked.budget.items() if key != "n_trials"}
    sweep_file.write(replace(asked, budget=by_arm), path)

    assert said in remarks(folder)
