"""Beside an arm's winner, its sparsest trial that is as good is confirmed too."""

import io
import json

import pytest
from rich.console import Console

from regsweep.compare.live import View, show_plan
from regsweep.compare.plan import Place, Slot
from regsweep.compare.stages import next_look
from regsweep.errors import InputError
from regsweep.records.objective import sparsest
from tests.compare.test_ledger import ledger, publish_at  # noqa: F401
from tests.compare.test_sweeper_scenarios import records, rows, swept  # noqa: F401

# Overrides of the command line that fix a key of some arms are dealt with before a plan.
EXACT = ("regularizer.exact=choice(true)", "hydra.sweeper.margin=0.1")
TWO_LOOKS = ("hydra.sweeper.confirm_seeds=2", "hydra.sweeper.max_confirm_seeds=4")
L1 = 1


@pytest.fixture
def searched(ledger):  # noqa: F811
    """A finished search: of l1 three trials of these losses and shares of zeros."""

    def asked(trials, *overrides):
        one = ledger(*EXACT, *TWO_LOOKS, *overrides)
        publish_at(one, Place("search", Slot(0, 0), 0), 0.5)
        for number, (loss, zeros) in enumerate(trials):
            metrics = {"val_loss": loss, "val_accuracy": 0.9, "zero_fraction": zeros}
            publish_at(one, Place("search", Slot(L1, number), 0), metrics=metrics)
        return one

    return asked


@pytest.mark.parametrize(
    ("trials", "number"),
    [
        ([(0.5, 0.1), (0.549, 0.9), (0.56, 0.95)], 1),  # 0.56 is beyond 1.1 * 0.5
        ([(0.52, 0.9), (0.5, 0.1), (0.51, 0.9)], 2),  # of equal shares the better one
        ([(0.5, 0.9), (0.51, 0.9), (0.5, 0.1)], None),  # the winner itself
        ([(0.5, 0.0), (0.51, 0.0), (0.52, 0.0)], None),
    ],
)
def test_it_is_the_one_of_most_zeros_within_the_margin(searched, trials, number):
    one = searched(trials)
    assert one.sparsest(L1) == (None if number is None else Slot(L1, number))
    assert one.sparsest(0) is None


def test_of_equal_shares_it_is_the_winner_whichever_is_better_on_the_search_seeds():
    zeros = dict.fromkeys("abc", 0.9)
    assert sparsest({"a": 0.49, "b": 0.5, "c": 0.48}, zeros, "b", 0.1) == "b"


def test_a_finalist_that_diverged_is_none_and_all_are_compared_on_the_search_seeds(searched):
    finalists = ("hydra.sweeper.finalists=2", "hydra.sweeper.finalist_seeds=1")
    one = searched([(0.5, 0.1), (0.52, 0.9), (0.54, 0.8)], *finalists)
    # On all its seeds the winner is twice as bad as trial 2 on the one that it has.
    publish_at(one, Place("search", Slot(L1, 0), 1), 1.5)
    publish_at(one, Place("search", Slot(L1, 1), 1), status="diverged")
    assert one.best(L1) == (Slot(L1, 0), 1.0)
    assert one.sparsest(L1) == Slot(L1, 2)


def test_zeros_are_those_of_the_search_seeds(searched):
    finalists = ("hydra.sweeper.finalists=2", "hydra.sweeper.finalist_seeds=1")
    one = searched([(0.5, 0.1), (0.52, 0.9), (0.54, 0.8)], *finalists)
    publish_at(one, Place("search", Slot(L1, 0), 1), 0.5)
    publish_at(one, Place("search", Slot(L1, 1), 1), 0.9)  # of no zeros
    assert one.sparsest(L1) == Slot(L1, 1)


def confirm(one, slot, losses, start=0):
    for seed, loss in enumerate(losses, start=10000 + start):
        metrics = {"val_loss": 0.5, "val_accuracy": 0.9, "test_loss": loss, "test_accuracy": 0.9}
        publish_at(one, Place("confirm", slot, seed), metrics=metrics)


def wanted(one):
    return [
        (place.slot.arm, place.slot.number, place.seed - 10000, place.role)
        for place in next_look(one.plan, one)
    ]


def test_it_has_the_seeds_of_its_winner_look_by_look(searched):
    one = searched([(0.5, 0.1), (0.51, 0.9), (0.9, 0.0)])
    assert wanted(one) == [
        (arm, number, seed, role)
        for seed in range(2)
        for arm, number, role in ((0, 0, "winner"), (L1, 0, "winner"), (L1, 1, "sparsest"))
    ]
    confirm(one, Slot(0, 0), [1.0, 1.1])
    confirm(one, Slot(L1, 0), [0.9, 1.2])
    # Cut off here, it is still to be done; the arm is not decided and goes on.
    confirm(one, Slot(L1, 1), [1.0])
    assert {(number, seed) for arm, number, seed, _ in wanted(one) if arm == L1} == {
        (1, 1), (0, 2), (0, 3), (1, 2), (1, 3),
    }  # fmt: skip


def test_it_stops_with_its_winner_and_not_before(searched):
    one = searched([(0.5, 0.1), (0.51, 0.9), (0.9, 0.0)])
    confirm(one, Slot(0, 0), [1.0, 1.1])
    confirm(one, Slot(L1, 0), [0.5, 0.6])
    assert wanted(one) == [(L1, 1, seed, "sparsest") for seed in range(2)]
    confirm(one, Slot(L1, 1), [0.5, 5.0])
    assert wanted(one) == []


def test_what_the_last_look_left_undone_of_it_is_done(searched):
    one = searched([(0.5, 0.1), (0.51, 0.9), (0.9, 0.0)])
    confirm(one, Slot(0, 0), [1.0, 1.1, 1.0, 1.1])
    confirm(one, Slot(L1, 0), [0.9, 1.2, 0.9, 1.2])
    confirm(one, Slot(L1, 1), [1.0, 1.2])
    assert wanted(one) == [(L1, 1, seed, "sparsest") for seed in (2, 3)]


def test_only_its_jobs_say_that_they_are_of_the_sparsest(planned):
    plan, _ = planned("regularizer=none,l1", *EXACT)
    winner, other = (Place("confirm", Slot(L1, 3), 10000, role) for role in ("winner", "sparsest"))
    assert winner == other
    assert plan.folder(winner) == plan.folder(other)
    assert set(plan.overrides(other, ())) - set(plan.overrides(winner, ())) == {"run.role=sparsest"}


@pytest.mark.parametrize(
    ("overrides", "arms"),
    [
        (("regularizer=none,l1,group_lasso",), (False, False, True)),
        (("regularizer=none,l1,elastic", EXACT[0]), (False, True, True)),
        (("regularizer=none,l1", "regularizer.exact=true,false"), (False, True)),
        (("regularizer=none,l1,l2", "hydra.sweeper.sparsest=true"), (False, True, True)),
        (("regularizer=none,group_lasso", "hydra.sweeper.sparsest=false"), (False, False)),
        (("regularizer=none,group_lasso", "hydra.sweeper.margin=null"), (False, False)),
        (("regularizer=none,group_lasso", "hydra.sweeper.confirm_seeds=0"), (False, False)),
    ],
)
def test_by_default_it_is_of_arms_that_give_zeros(planned, overrides, arms):
    plan, _ = planned(*overrides)
    assert plan.sparsest == arms
    assert plan.most_confirm_runs == (len(arms) + sum(arms)) * max(plan.looks, default=0)


def test_it_needs_a_margin(planned):
    with pytest.raises(InputError, match=r"sparsest=True: expected null or false, or a hydra"):
        planned("regularizer=none,l1", "hydra.sweeper.sparsest=true", "hydra.sweeper.margin=null")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (EXACT, "; of l1 also the sparsest trial within 10 % of the winner"),
        ((EXACT[0], "hydra.sweeper.margin=null"), "; no sparsest trials, as hydra.sweeper.margin"),
        ((), None),
    ],
)
def test_the_plan_says_of_which_arms(planned, tmp_path, overrides, said):
    plan, _ = planned("regularizer=none,l1", *overrides)
    out = io.StringIO()
    show_plan(plan, [{}, {}], "", "cpu", 1000, tmp_path, Console(file=out, width=100))
    assert (said in out.getvalue()) if said else ("sparsest" not in out.getvalue())


def test_the_view_counts_the_runs_of_winners_in_an_arms_line(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1", *EXACT, *TWO_LOOKS)
    view = View(plan, tmp_path, Console(file=io.StringIO()), 4)
    places = [Place("confirm", Slot(L1, 0), seed) for seed in (10000, 10001)]
    also = [Place("confirm", Slot(L1, 1), place.seed, "sparsest") for place in places]
    view.launched([*places, *also], 4)
    for place in (places[0], *also):
        (tmp_path / plan.folder(place)).mkdir(parents=True)
        (tmp_path / plan.folder(place) / "record.json").touch()
    view._look()
    line = view.lines[L1]
    assert (line.confirmed, line.seeds, view.left) == (1, 2, 1)


def test_a_sweep_that_confirms_it_goes_on_as_it_would_have(swept, tmp_path):  # noqa: F811
    asked = ("regularizer=none,l1", EXACT[0], "hydra.sweeper.margin=1.0")
    swept(*asked)
    folder = tmp_path / "here"
    whole = (folder / "comparison.csv").read_bytes()
    found = rows(tmp_path)
    assert list(found)[list(found).index("regularizer=l1") + 1] == "regularizer=l1 sparsest"
    row = found["regularizer=l1 sparsest"]
    assert (row["baseline"], row["seeds"]) == ("regularizer=l1", "2")
    assert float(row["zero_fraction_mean"]) > float(found["regularizer=l1"]["zero_fraction_mean"])
    assert row["verdict"] in ("not worse", "worse", "undecided")
    search = [one for one in records(tmp_path, "search") if one.arm == {"regularizer": "l1"}]
    best = min(one.metrics["val_loss"] for one in search)
    as_good = [one for one in search if one.metrics["val_loss"] <= 2 * best]
    sparsest = max(as_good, key=lambda one: one.metrics["zero_fraction"])
    made = {(one.trial, one.role) for one in records(tmp_path, "confirm")}
    assert int(row["trial"]) == sparsest.trial
    assert (sparsest.trial, "sparsest") in made
    assert {one.role for one in search} == {None}
    assert json.loads((folder / "sweep.json").read_text())["sparsest"] == [False, True]

    gone = f"confirm/regularizer=l1/{sparsest.trial}-10001/record.json"
    (folder / gone).unlink()
    swept(*asked)
    assert (folder / gone).exists()
    assert (folder / "comparison.csv").read_bytes() == whole
