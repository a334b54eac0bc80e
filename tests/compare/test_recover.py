from dataclasses import replace
from pathlib import Path

import pytest

from regsweep.compare.plan import Place, Slot
from regsweep.compare.recover import recovered, refuse_unplanned
from regsweep.compare.resume import refuse_changed
from regsweep.errors import InputError
from regsweep.records.record import Record
from regsweep.records.sweep_file import SweepFile
from regsweep.sweep.settle import Settled

HERE = Path("here")
CONFIG = {"trainer.epochs": 10, "trainer.compile": "auto", "trainer.device": "auto", "seed": 3}
NOW = SweepFile(
    overrides=("regularizer=none,l1",),
    sweeper="compare",
    arms=({"regularizer": "none"}, {"regularizer": "l1"}),
    searched=("regularizer.weight",),
    objective="val_loss",
    seed=3,
    settled=Settled("cuda", "eager", 1, "highest", 8),
    versions={"torch": "2"},
    spaces=({}, {"regularizer.weight": "interval(0, 1)"}),
    configs=(CONFIG, CONFIG | {"regularizer.weight": 0.0}),
    budget={"n_trials": 20, "n_jobs": 16, "replicates": 2, "confirm_seeds": 10},
    baseline="regularizer=none",
)
ENVIRONMENT = {"mode": "compiled", "device": "cpu", "threads": 2, "versions": {"torch": "1"}}


def record(seed=3, config=CONFIG, **environment):
    return Record(
        run="x",
        stage="search",
        arm={"regularizer": "l1"},
        trial=0,
        seed=seed,
        status="completed",
        config=config | {"seed": seed},
        environment=ENVIRONMENT | environment,
    )


def test_what_was_settled_is_that_of_the_records():
    made = recovered({1: [record(), record(seed=4)]}, NOW, HERE)
    assert made.settled == Settled("cpu", "compiled", 2, "highest", 8)
    assert made.versions == {"torch": "1"}


def test_what_a_run_asked_for_itself_was_not_settled():
    own = CONFIG | {"trainer.compile": True, "trainer.device": "cpu"}
    made = recovered({0: [record(config=own)]}, NOW, HERE)
    assert (made.settled.device, made.settled.mode) == ("cuda", "eager")


def test_failed_runs_without_an_environment_say_nothing():
    broken = replace(record(config=NOW.configs[1]), environment={}, status="failed")
    assert recovered({1: [broken]}, NOW, HERE) == NOW
    assert recovered({1: [broken, record()]}, NOW, HERE).settled.mode == "compiled"


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"mode": "eager"}, "trainer.compile: compiled, eager"),
        ({"device": "mps"}, "trainer.device: cpu, mps"),
        ({"threads": 1}, "threads: 2, 1"),
    ],
)
def test_records_that_disagree_are_refused(odd, told):
    with pytest.raises(InputError) as caught:
        recovered({0: [record()], 1: [record(**odd)]}, NOW, HERE)
    assert str(caught.value) == (
        f"here: its sweep.json is lost, and its records disagree about {told}; "
        "take another hydra.sweep.dir"
    )


def test_the_same_command_may_go_on_and_another_may_not():
    searched = CONFIG | {"regularizer.weight": 0.5}
    refuse_changed(recovered({1: [record(4), record(3, searched)]}, NOW, HERE), NOW, HERE)

    longer = searched | {"trainer.epochs": 20}
    with pytest.raises(InputError, match=r"trainer\.epochs was 20 and is now 10"):
        refuse_changed(recovered({1: [record(3, longer)]}, NOW, HERE), NOW, HERE)


def test_a_record_that_the_sweep_would_not_make_is_refused(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1", "hydra.sweeper.n_trials=2")
    refuse_unplanned(tmp_path / "missing", plan)
    for place in (Place("search", Slot(1, 1), 0), Place("confirm", Slot(1, 0), 10000)):
        folder = tmp_path / plan.folder(place)
        folder.mkdir(parents=True)
        (folder / "record.json").touch()
    refuse_unplanned(tmp_path, plan)

    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "record.json").touch()
    with pytest.raises(InputError) as caught:
        refuse_unplanned(tmp_path, plan)
    assert str(caught.value) == (f"{tmp_path}/0: the folder already holds a record; choose another")
