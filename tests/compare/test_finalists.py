"""An arm's best trials are run again on more seeds, and one of them wins."""

import json
from dataclasses import replace

import pytest

from regsweep.compare.ledger import Ledger
from regsweep.compare.plan import Place, Slot
from regsweep.compare.stages import missing_of_finalists, next_look
from regsweep.errors import InputError
from tests.compare.test_ledger import ledger, publish_at  # noqa: F401
from tests.compare.test_recover import NOW
from tests.compare.test_sweeper_scenarios import records, rows, swept  # noqa: F401

ASKED = ("hydra.sweeper.finalists=2", "hydra.sweeper.finalist_seeds=2")
L1 = 1


@pytest.fixture
def searched(ledger):  # noqa: F811
    """A finished search on seed 0: of l1 the trials 2, 0 and 1, in that order."""

    def asked(*overrides):
        one = ledger(*ASKED, *overrides)
        publish_at(one, Place("search", Slot(0, 0), 0), 0.5)
        for number, loss in enumerate([0.2, 0.25, 0.1]):
            publish_at(one, Place("search", Slot(L1, number), 0), loss)
        return one

    return asked


def run_again(one, number, *losses, **fields):
    for seed, loss in enumerate(losses, start=1):
        publish_at(one, Place("search", Slot(L1, number), seed), loss, **fields)


def test_the_best_trials_of_an_arm_that_has_several_are_run_again(searched):
    one = searched()
    assert one.finalists(0) == []
    assert one.finalists(L1) == [Slot(L1, 2), Slot(L1, 0)]
    wanted = [
        (place.stage, place.slot.number, place.seed)
        for place in missing_of_finalists(one.plan, one)
    ]
    assert wanted == [("search", 2, 1), ("search", 0, 1), ("search", 2, 2), ("search", 0, 2)]
    assert one.plan.search_runs == 4 + 2 * 2

    run_again(one, 2, 0.4)
    assert [place.seed for place in missing_of_finalists(one.plan, one)] == [1, 2, 2]


def test_the_winner_is_that_of_the_least_mean_over_all_its_seeds(searched):
    one = searched()
    assert one.best(L1) == (Slot(L1, 2), 0.1)

    run_again(one, 2, 0.5, 0.6)
    run_again(one, 0, 0.3, 0.4)
    assert one.best(L1) == (Slot(L1, 0), pytest.approx(0.3))
    assert missing_of_finalists(one.plan, one) == []
    # Trial 1 has a lower one on the seed that it has, and was no finalist.
    assert {place.slot for place in next_look(one.plan, one)} == {Slot(0, 0), Slot(L1, 0)}


def test_a_finalist_that_diverges_does_not_win(searched):
    one = searched()
    run_again(one, 2, 0.05, 0.05, status="diverged")
    run_again(one, 0, 0.9, 0.9)

    assert one.best(L1) == (Slot(L1, 0), pytest.approx(2 / 3))


def test_fewer_finalists_than_have_been_run_are_refused(searched):
    one = searched()
    run_again(one, 2, 0.5, 0.6)
    one.refuse_more()

    began = replace(NOW, budget={"finalists": 2, "finalist_seeds": 2})
    for lowered, held in (
        ({"finalists": 1}, "runs of finalists on more seeds"),
        ({"finalist_seeds": 1}, "runs of finalists on more seeds"),
    ):
        other = searched_again(one, **lowered)
        [(key, value)] = lowered.items()
        with pytest.raises(InputError) as caught:
            other.refuse_more(began)
        assert str(caught.value) == (
            f"hydra.sweeper.{key}={value}: {one.directory} already holds {held}; "
            "ask for as many or more"
        )


def searched_again(one, **budget):
    """A ledger of the same records, under a plan of another ``budget``."""
    plan = replace(one.plan, budget=replace(one.plan.budget, **budget))
    return Ledger(plan, one.spaces, one.directory)


def test_two_of_three_finalists_that_have_been_run_are_refused(searched):
    one = searched_again(searched(), finalists=3)
    for number in range(3):
        run_again(one, number, 0.5, 0.6)
    fewer = searched_again(one, finalists=2)

    # As many were asked for, and a trial that came later is a finalist beside them.
    fewer.refuse_more(replace(NOW, budget={"finalists": 2}))
    with pytest.raises(InputError, match=r"sweeper.finalists=2: .* holds runs of 3 finalists; ask"):
        fewer.refuse_more(replace(NOW, budget={"finalists": 3}))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("hydra.sweeper.finalists=0", "finalists=0"),
        ("hydra.sweeper.finalist_seeds=0", "finalist_seeds=0"),
        ("hydra.sweeper.finalist_seeds=10000", "finalist_seeds=10000"),
    ],
)
def test_what_cannot_be_is_refused(ledger, asked, message):  # noqa: F811
    with pytest.raises(InputError, match=message):
        ledger("hydra.sweeper.finalists=2", asked)


def test_a_sweep_with_finalists_goes_on_as_it_would_have(swept, tmp_path):  # noqa: F811
    asked = ("regularizer=none,l1", *ASKED)
    swept(*asked)
    folder = tmp_path / "here"
    whole = (folder / "comparison.csv").read_bytes()

    search = records(tmp_path, "search")
    again = sorted((one.trial, one.seed) for one in search if one.seed > 0)
    [first, second] = sorted({trial for trial, _ in again})
    assert again == [(trial, seed) for trial in (first, second) for seed in (1, 2)]
    of_l1 = [one for one in search if one.arm == {"regularizer": "l1"}]
    means = {
        trial: sum(one.metrics["val_loss"] for one in of_l1 if one.trial == trial) / 3
        for trial in (first, second)
    }
    won = min(means, key=means.__getitem__)
    row = rows(tmp_path)["regularizer=l1"]
    assert int(row["trial"]) == won
    assert float(row["val_loss"]) == pytest.approx(means[won], rel=1e-12)
    assert {one.trial for one in records(tmp_path, "confirm")} == {0, won}
    assert not any("test_loss" in one.metrics for one in search)
    asked_for = json.loads((folder / "sweep.json").read_text())
    assert asked_for["budget"]["finalists"] == 2
    assert asked_for["exploratory"] is None

    for record in folder.glob("search/regularizer=l1/*-2/record.json"):
        record.unlink()
    for record in folder.glob("confirm/*/*/record.json"):
        record.unlink()
    swept(*asked)
    assert (folder / "comparison.csv").read_bytes() == whole


def test_other_finalists_after_a_look_are_exploratory(swept, tmp_path):  # noqa: F811
    swept("regularizer=none,l1")
    swept("regularizer=none,l1", *ASKED)

    asked = json.loads((tmp_path / "here" / "sweep.json").read_text())
    assert asked["exploratory"] == "finalists was 1 and is now 2"
