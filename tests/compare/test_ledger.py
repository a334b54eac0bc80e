import os
from dataclasses import replace

import pytest
from optuna.trial import TrialState

from regsweep.compare.ledger import Ledger
from regsweep.compare.plan import Place, Slot
from regsweep.compare.studies import Outcome, Recorded
from regsweep.errors import InputError
from regsweep.records.record import Record, publish
from tests.compare.test_recover import NOW

SWEEP = ("regularizer=none,l1", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=3")


@pytest.fixture
def ledger(planned, tmp_path):
    def opened(*overrides):
        plan, spaces = planned(*SWEEP, *overrides)
        return Ledger(plan, spaces, tmp_path)

    return opened


def publish_at(ledger, place, val_loss=0.5, weight=1e-3, status="completed", **fields):
    """The record of a run as its job publishes it."""
    folder = ledger.directory / ledger.plan.folder(place)
    folder.mkdir(parents=True)
    arm = ledger.plan.arms[place.slot.arm]
    params = [f"regularizer.weight={weight}"] if arm.space else []
    given = dict(
        run=ledger.plan.folder(place),
        stage=place.stage,
        arm=arm.choices,
        trial=place.slot.number,
        seed=place.seed,
        status=status,
        overrides=(*arm.overrides, *params),
        metrics={"val_loss": val_loss, "val_accuracy": 0.9} if status == "completed" else {},
    )
    publish(Record(**(given | fields)), folder)
    return folder / "record.json"


def test_a_trial_is_worth_the_mean_of_its_runs(ledger):
    one = ledger("hydra.sweeper.replicates=2")
    slot = Slot(1, 0)
    assert one.recorded(slot) is None

    publish_at(one, Place("search", slot, 0), 0.25)
    assert one.recorded(slot) == Recorded({"regularizer.weight": 1e-3}, None)
    assert not one.is_over(slot)

    publish_at(one, Place("search", slot, 1), 0.75)
    assert one.recorded(slot).outcome == Outcome(TrialState.COMPLETE, 0.5)
    assert one.is_over(slot)


def test_the_error_is_judged_where_that_is_the_objective(ledger):
    one = ledger("objective=val_error")
    publish_at(one, Place("search", Slot(0, 0), 0))

    assert one.recorded(Slot(0, 0)).outcome == Outcome(TrialState.COMPLETE, 1 - 0.9)


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("completed", "diverged"), TrialState.PRUNED),
        (("failed", "diverged"), TrialState.FAIL),
        (("completed", "failed"), TrialState.FAIL),
    ],
)
def test_a_broken_run_breaks_its_trial(ledger, statuses, state):
    one = ledger("hydra.sweeper.replicates=2")
    for seed, status in enumerate(statuses):
        publish_at(one, Place("search", Slot(1, 0), seed), 0.1, status=status)

    assert one.recorded(Slot(1, 0)).outcome == Outcome(state, None)
    assert one.best(1) is None
    assert one.states() == [state]


def test_the_best_trial_is_the_first_of_equals(ledger):
    one = ledger()
    for number, loss in enumerate((0.5, 0.25, 0.25)):
        publish_at(one, Place("search", Slot(1, number), 0), loss)

    assert one.best(1) == (Slot(1, 1), 0.25)
    assert one.best(0) is None


@pytest.mark.parametrize("content", ["", "{}", '{"schema": 1', "[]"])
def test_a_damaged_record_is_set_aside_and_counts_as_none(ledger, caplog, content):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    path = publish_at(one, place)
    path.write_text(content)

    assert one.record(place) is None
    assert one.recorded(Slot(1, 0)) is None
    assert not path.exists()
    assert path.with_name("record.json.damaged-1").read_text() == content
    assert "record.json.damaged-1, the run is done again" in caplog.text


@pytest.mark.parametrize("kind", ["pipe", "folder", "link"])
def test_what_is_no_file_is_set_aside_and_not_waited_for(ledger, kind, tmp_path):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    path = publish_at(one, place)
    (tmp_path / "elsewhere").write_bytes(path.read_bytes())
    path.unlink()
    {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(tmp_path / "elsewhere"),
    }[kind]()

    assert one.record(place) is None
    assert not os.path.lexists(path)
    assert os.path.lexists(path.with_name("record.json.damaged-1"))
    assert (tmp_path / "elsewhere").exists()


def test_a_record_whose_params_are_not_what_it_was_given_is_set_aside(ledger, caplog):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    publish_at(one, place, weight=1e-3, params={"regularizer.weight": 1e-4})

    assert one.record(place) is None
    assert "its params and its overrides disagree about regularizer.weight" in caplog.text


def test_a_record_whose_params_are_what_it_was_given_counts(ledger):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    publish_at(one, place, weight="1.0e-3", params={"regularizer.weight": 0.001})

    assert one.record(place).params == {"regularizer.weight": 0.001}


def test_runs_of_a_trial_with_other_values_than_one_another_are_refused(ledger):
    one = ledger("hydra.sweeper.replicates=2")
    publish_at(one, Place("search", Slot(1, 0), 0), weight=1e-3)
    publish_at(one, Place("search", Slot(1, 0), 1), weight=1e-4)

    with pytest.raises(InputError, match="the runs of the trial have other values than one ano"):
        one.recorded(Slot(1, 0))


def test_a_record_that_names_another_folder_is_set_aside(ledger, caplog):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    publish_at(one, place, run="search/regularizer=l1/0-0-copy")

    assert one.record(place) is None
    assert "the record of another run, search/regularizer=l1/0-0-copy" in caplog.text


def test_a_record_of_another_search_space_is_refused(ledger):
    one = ledger()
    publish_at(one, Place("search", Slot(1, 0), 0), weight=5.0)

    with pytest.raises(InputError, match=r"search/regularizer=l1/0-0: its record does not fit"):
        one.recorded(Slot(1, 0))


def test_fewer_trials_than_were_run_are_refused(ledger):
    one = ledger()
    publish_at(one, Place("search", Slot(1, 2), 0))
    one.refuse_more()

    with pytest.raises(InputError) as caught:
        ledger("hydra.sweeper.n_trials=2").refuse_more()

    assert str(caught.value) == (
        f"hydra.sweeper.n_trials=2: {one.directory} already holds 3 trials of regularizer=l1; "
        "ask for as many or more"
    )


@pytest.mark.parametrize("seeds", [0, 2])
def test_fewer_confirm_seeds_than_were_run_are_refused(ledger, seeds):
    one = ledger()
    for seed in (10000, 10001, 10002):
        publish_at(one, Place("confirm", Slot(1, 0), seed))
    one.refuse_more()

    with pytest.raises(InputError) as caught:
        ledger(
            f"hydra.sweeper.confirm_seeds={seeds}", "hydra.sweeper.max_confirm_seeds=2"
        ).refuse_more()

    assert str(caught.value) == (
        f"hydra.sweeper.confirm_seeds={seeds}: {one.directory} already holds confirm runs of "
        "3 seeds; ask for as many or more"
    )


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ((4, 4), "hydra.sweeper.max_confirm_seeds=4"),
        ((2, 8), None),
        ((2, 4), "hydra.sweeper.max_confirm_seeds=4"),
        ((0, 8), "hydra.sweeper.confirm_seeds=0"),
        ((1, 2), "hydra.sweeper.max_confirm_seeds=2, hydra.sweeper.confirm_seeds=1"),
    ],
)
def test_what_was_lowered_is_named_and_nothing_else(ledger, asked, named):
    one = ledger()
    for seed in range(10000, 10008):
        publish_at(one, Place("confirm", Slot(1, 0), seed))
    began = replace(NOW, budget={"confirm_seeds": 2, "max_confirm_seeds": 8})
    keys = ("confirm_seeds", "max_confirm_seeds")
    now = ledger(*(f"hydra.sweeper.{key}={n}" for key, n in zip(keys, asked, strict=True)))

    if named is None:
        now.refuse_more(began)
        return
    with pytest.raises(InputError) as caught:
        now.refuse_more(began)
    assert str(caught.value).startswith(f"{named}: {one.directory} already holds confirm runs of 8")


def test_a_record_is_read_once(ledger):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    path = publish_at(one, place)
    first = one.record(place)
    path.unlink()

    assert one.record(place) is first
    assert one.record(replace(place, seed=5)) is None


def test_the_record_of_another_run_is_set_aside(ledger, caplog):
    one = ledger()
    path = publish_at(one, Place("search", Slot(1, 0), 0))
    other = publish_at(one, Place("search", Slot(1, 1), 0))
    path.write_bytes(other.read_bytes())

    assert one.record(Place("search", Slot(1, 0), 0)) is None
    assert "the record of another run, search/regularizer=l1/1-0" in caplog.text


def test_a_completed_record_without_its_objective_is_set_aside(ledger, caplog):
    one = ledger()
    place = Place("search", Slot(1, 0), 0)
    path = publish_at(one, place)
    path.write_text(path.read_text().replace("val_loss", "train_loss"))

    assert one.record(place) is None
    assert "completed, but without val_loss or val_accuracy" in caplog.text


def test_folders_that_the_sweep_did_not_make_are_left_alone(ledger):
    one = ledger()
    path = publish_at(one, Place("search", Slot(1, 0), 0))
    path.parent.rename(path.parent.with_name("30-0-backup"))

    one.refuse_more()
    assert one._published("search", 1) == []
