"""Sweeps whose confirm seeds draw their own training and validation rows."""

import os
from dataclasses import replace

import numpy as np
import pytest
from in_process import multirun

from regsweep.compare.ledger import Ledger
from regsweep.compare.plan import Place, Slot
from regsweep.errors import InputError
from regsweep.records import sweep_file
from regsweep.records.record import Record, publish, read
from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.words.terminal import again
from regsweep.settings.config import read_run
from regsweep.settings.flat import nested
from regsweep.training.load import load_data
from tests.compare.test_recover import NOW

ROWS = "hydra.sweeper.resample=rows"
SWEEP = (
    *("data=sklearn", "data.dataset=wine", "model=linear", "regularizer=none,l2"),
    *("trainer.epochs=2", "trainer.batch_size=20", "hydra.launcher.workers=1"),
    *("hydra.sweeper.n_trials=1", "hydra.sweeper.n_jobs=2"),
    *("hydra.sweeper.confirm_seeds=2", "hydra.sweeper.max_confirm_seeds=2"),
)


def published(folder):
    """All that the records, tables and losses of a sweep say, but for times."""
    found = {}
    for path in sorted(folder.rglob("record.json")):
        record = read(path)
        losses = path.parent / "test_losses.npy"
        kept = losses.read_bytes() if losses.exists() else None
        found[record.run] = record.overrides, record.metrics, kept
    return found


@pytest.mark.usefixtures("workers")
def test_every_confirm_seed_draws_its_rows_and_tests_on_the_same_ones(tmp_path, monkeypatch):
    def swept(name, *more):
        multirun(monkeypatch, *SWEEP, ROWS, f"hydra.sweep.dir={tmp_path}/{name}", *more)
        return tmp_path / name

    folder = swept("whole")
    records = [read(path) for path in sorted(folder.rglob("record.json"))]
    drawn = {(r.stage, r.seed, r.config["data.rows_seed"]) for r in records}
    assert drawn == {("search", 0, None), ("confirm", 10000, 10000), ("confirm", 10001, 10001)}
    assert sweep_file.read(folder).resample == "rows"

    # Every part as the config of the record says it, and scaled by the training rows drawn.
    parts = {r.seed: load_data(read_run(nested(r.config)).data, test=True) for r in records}
    one, other = parts[10000], parts[10001]
    assert one.train.targets.shape == other.train.targets.shape
    assert sorted(one.test.targets) == sorted(other.test.targets)
    assert not np.array_equal(one.train.inputs, other.train.inputs)
    for part in parts.values():
        assert part.train.inputs.mean(0).numpy() == pytest.approx(0, abs=1e-5)

    report = build_report([folder])
    assert report.comparison["seeds"].tolist() == [2, 2]
    assert "data.rows_seed" not in report.comparison
    assert not report.comparison["best_overrides"].str.contains("rows_seed").any()
    assert again(report).endswith("seed=10000 data.rows_seed=10000")
    said = page(report)
    assert "each seed on training and validation rows of its own" in said
    assert "any two draws share about 80 % of them. The test rows stayed the same." in said
    assert "There was one test set." in said

    # Cut off within the confirm stage, and gone on with: as one never touched.
    whole = published(folder)
    for path in folder.glob("confirm/*/*-10001/record.json"):
        path.unlink()
    assert published(swept("whole")) == whole
    with pytest.raises(InputError, match=r"resample=seeds: .* holds confirm runs of resample=rows"):
        swept("whole", "hydra.sweeper.resample=seeds")


def test_a_confirm_run_is_given_the_rows_of_its_seed_alone(planned):
    plan, _ = planned("regularizer=none,l1", "data.rows_seed=3", ROWS)

    search = plan.overrides(Place("search", Slot(0, 0), 0), [])
    assert [line for line in search if "seed=" in line] == ["data.rows_seed=3", "seed=0"]
    confirm = plan.overrides(Place("confirm", Slot(0, 0), 10004), [])
    of_seeds = [line for line in confirm if "seed=" in line]
    assert of_seeds == ["seed=10004", "data.rows_seed=10004"]


def test_what_is_no_way_to_resample_is_refused(planned):
    with pytest.raises(InputError, match=r"hydra.sweeper.resample=row: did you mean rows\?"):
        planned("regularizer=none,l1", "hydra.sweeper.resample=row")


@pytest.mark.parametrize(("made", "asked"), [("seeds", "rows"), ("rows", "seeds")])
def test_confirm_runs_on_other_rows_are_not_taken_for_those_of_the_plan(
    planned, tmp_path, made, asked
):
    def ledger(how, *more):
        plan, spaces = planned("regularizer=none,l1", f"hydra.sweeper.resample={how}", *more)
        return Ledger(plan, spaces, tmp_path)

    before, place = ledger(made), Place("confirm", Slot(0, 0), 10000)
    folder = tmp_path / before.plan.folder(place)
    os.makedirs(folder)
    metrics = {"val_loss": 0.5, "val_accuracy": 0.9}
    publish(
        Record(
            before.plan.folder(place), "confirm", {"regularizer": "none"}, 0, 10000, "completed",
            overrides=tuple(before.plan.overrides(place, ())), metrics=metrics,
        ),
        folder,
    )  # fmt: skip

    began = replace(NOW, seeds={"confirm": (10000,)})
    ledger(made).refuse_more(began)
    ledger(asked, "hydra.sweeper.confirm_from=10001").refuse_more(began)
    with pytest.raises(
        InputError,
        match=f"resample={asked}: .* holds confirm runs of resample={made}; expected {made}, or "
        "seeds that no look has seen, by hydra.sweeper.confirm_from=10001",
    ):
        ledger(asked).refuse_more(began)


def test_draws_are_tried_before_anything_is_trained(tmp_path, monkeypatch):
    seen = []

    def refuse(runs, rows_seeds):
        seen.append(rows_seeds)
        raise InputError("no such rows")

    monkeypatch.setattr("regsweep.compare.sweep.check_draws", refuse)
    with pytest.raises(InputError, match="no such rows"):
        multirun(monkeypatch, *SWEEP, ROWS, f"hydra.sweep.dir={tmp_path}/refused")
    assert seen == [range(10_000, 10_002)]
    assert not (tmp_path / "refused").exists()
