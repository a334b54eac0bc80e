import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from regsweep.compare.resume import changed_versions, exploratory, refuse_changed
from regsweep.errors import InputError
from regsweep.records import sweep_file
from regsweep.records.stored import Unreadable
from regsweep.records.sweep_file import SweepFile
from regsweep.sweep.settle import Settled

HERE = Path("here")
SPACE = {"regularizer.weight": "interval(0, 1)"}
CONFIG = {"trainer.epochs": 10, "data.root": "a", "regularizer.weight": 0.0, "run.trial": None}
BEFORE = SweepFile(
    overrides=("regularizer=none,l1",),
    sweeper="compare",
    arms=({"regularizer": "none"}, {"regularizer": "l1"}),
    searched=("regularizer.weight",),
    objective="val_loss",
    seed=0,
    settled=Settled("cpu", "eager", 1, "highest", 8),
    versions={"torch": "1"},
    spaces=({}, SPACE),
    configs=(CONFIG | {"regularizer.name": "none"}, CONFIG | {"regularizer.name": "l1"}),
    budget={"n_trials": 20, "n_jobs": 16, "replicates": 1, "confirm_seeds": 10},
    baseline="regularizer=none",
    sampler={"_target_": "tpe", "n_startup_trials": 10},
)


def changed(**budget):
    return replace(BEFORE, budget=BEFORE.budget | budget)


ALLOWED = [
    BEFORE,
    changed(n_trials=40),
    changed(confirm_seeds=20),
    changed(max_failure_rate=0.5),
    replace(BEFORE, baseline="regularizer=l1"),
    replace(BEFORE, overrides=("regularizer=none,l1", "data.root=b")),
    replace(BEFORE, spaces=({}, {"regularizer.weight": "interval( 0,1 )"})),
    replace(BEFORE, configs=tuple(c | {"data.root": "b"} for c in BEFORE.configs)),
    replace(BEFORE, configs=tuple(c | {"run.trial": 3} for c in BEFORE.configs)),
    replace(BEFORE, configs=tuple(c | {"trainer.log_every": 3} for c in BEFORE.configs)),
    # What BEFORE is too old to say.
    replace(BEFORE, configs=tuple(c | {"trainer.warmup": 0.0} for c in BEFORE.configs)),
]


@pytest.mark.parametrize("now", ALLOWED, ids=range(len(ALLOWED)))
def test_what_no_result_depends_on_may_change(now, tmp_path):
    sweep_file.write(BEFORE, tmp_path)
    before = sweep_file.read(tmp_path)

    refuse_changed(before, now, tmp_path)

    assert sweep_file.read(tmp_path) == before


EPOCHS = tuple(c | {"trainer.epochs": 20} for c in BEFORE.configs)
ONE_ARM = (BEFORE.configs[0], BEFORE.configs[1] | {"optimizer.lr": 0.1})
OR_NULL = {"regularizer.weight": "tag(or_null, interval(0, 1))"}
REFUSED = [
    (
        replace(BEFORE, spaces=({}, OR_NULL)),
        "regularizer.weight searched was interval(0, 1) and is now tag(or_null, interval(0, 1))",
    ),
    (changed(n_jobs=8), "hydra.sweeper.n_jobs was 16 and is now 8"),
    (changed(replicates=2), "hydra.sweeper.replicates was 1 and is now 2"),
    (replace(BEFORE, seed=1), "seed was 0 and is now 1"),
    (replace(BEFORE, configs=EPOCHS), "trainer.epochs was 10 and is now 20"),
    (
        replace(BEFORE, configs=tuple(c | {"trainer.warmup": 0.1} for c in BEFORE.configs)),
        "trainer.warmup was 0.0 and is now 0.1",
    ),
    (replace(BEFORE, configs=ONE_ARM), "optimizer.lr was not there and is now 0.1"),
    (
        replace(BEFORE, spaces=({}, {"regularizer.weight": "interval(0, 2)"})),
        "regularizer.weight searched was interval(0, 1) and is now interval(0, 2)",
    ),
    (
        replace(BEFORE, sampler=BEFORE.sampler | {"n_startup_trials": 5}),
        "hydra.sweeper.sampler.n_startup_trials was 10 and is now 5",
    ),
    (
        replace(BEFORE, arms=BEFORE.arms[:1], spaces=({},), configs=BEFORE.configs[:1], seed=1),
        "arms was regularizer=none, regularizer=l1 and is now regularizer=none; "
        "seed was 0 and is now 1",
    ),
    (
        replace(BEFORE, configs=EPOCHS, seed=1),
        "seed was 0 and is now 1; trainer.epochs was 10 and is now 20",
    ),
]


@pytest.mark.parametrize(("now", "told"), REFUSED, ids=lambda v: str(v)[:40])
def test_what_makes_trials_incomparable_is_refused_with_both_values(now, told):
    with pytest.raises(InputError) as caught:
        refuse_changed(BEFORE, now, HERE)

    assert str(caught.value) == (
        f"here: its trials would not be comparable with new ones: {told}. "
        "Give the old values, or take another hydra.sweep.dir"
    )


def test_a_folder_of_another_sweeper_is_refused():
    with pytest.raises(InputError, match="here: a sweep of hydra/sweeper=optuna was made here"):
        refuse_changed(replace(BEFORE, sweeper="optuna"), BEFORE, HERE)


def test_changed_versions_are_named_also_of_what_this_release_does_not_know():
    before = {"python": "3.11.7", "torch": "2.14.0", "jax": "0.4"}
    assert changed_versions(before, {"python": "3.11.7", "torch": "2.15.0", "numpy": "2"}) == [
        "torch was 2.14.0 when this sweep began, is now 2.15.0",
        "jax was 0.4 when this sweep began, is now not looked at",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "unreadable (Expecting value: line 1 column 1 (char 0))"),
        ("[]", "a JSON list, expected an object"),
        (
            "{}",
            "damaged, or of another version (missing: arms, objective, overrides, searched, seed, "
            "settled, sweeper, versions)",
        ),
        (json.dumps(asdict(BEFORE) | {"x": 1}), "damaged, or of another version (unknown: x)"),
        ('{"settled": 3}', "settled 3, expected an object of device, mode, threads, "),
        (
            json.dumps(asdict(BEFORE) | {"settled": {}}),
            "damaged, or of another version (Settled.__init__() missing 5 ",
        ),
    ],
)
def test_a_damaged_sweep_file_is_named(tmp_path, content, reason):
    (tmp_path / "sweep.json").write_text(content)

    with pytest.raises(Unreadable) as caught:
        sweep_file.read(tmp_path)

    assert caught.value.reason.startswith(reason)
    assert str(caught.value).startswith(f"{tmp_path / 'sweep.json'}: ")


def test_a_sweep_file_of_a_later_schema_is_refused_and_not_called_damaged(tmp_path):
    (tmp_path / "sweep.json").write_text('{"schema": 2, "arms": "all"}')

    with pytest.raises(sweep_file.OtherSchema, match="schema 2, this version reads 1"):
        sweep_file.read(tmp_path)


def test_other_numbers_of_trials_after_a_look_make_verdicts_exploratory():
    other = replace(BEFORE, budget={k: v for k, v in BEFORE.budget.items() if k != "n_trials"})
    before, now = (
        replace(one, trials=trials, seeds={"confirm": (10000,)})
        for one, trials in ((BEFORE, (1, 20)), (other, (1, 30)))
    )

    assert exploratory(before, before, True) is None
    assert exploratory(before, now, True) == "n_trials was 20 and is now 30 of regularizer=l1"


@pytest.mark.parametrize("looked", [True, False])
def test_other_data_after_a_look_make_verdicts_exploratory(looked):
    seeds = {"confirm": (10000, 10001)}
    before = replace(BEFORE, seeds=seeds, data=({"files": {"data.path": "a"}},) * 2)
    now = replace(before, data=({"files": {"data.path": "b"}},) * 2, study={"study.py": "c"})

    why = exploratory(before, now, looked)

    if not looked:
        assert why is None
        return
    study, data = why.split("; ")
    assert study.startswith("study.py is another file than when the sweep began: its SHA-256")
    assert data.endswith(
        "data.path is another file than when the sweep began: its SHA-256 was a and is now b"
    )
