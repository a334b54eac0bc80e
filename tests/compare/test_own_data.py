"""Whole comparisons on data that are not MNIST, within the process of the tests."""

import csv
import hashlib
import json
import shutil

import numpy as np
import pytest
from composed import checked_sweep
from in_process import multirun

import regsweep
from regsweep.compare.recover import LOST_PLAN
from regsweep.errors import InputError, MachineFault
from regsweep.records.settled import Settled
from regsweep.records.sweep_file import SweepFile
from regsweep.sweep.machine import refuse_other_files, stored_data

SETTLED = Settled("cpu", "eager", 1, "highest", 1)

TINY = (
    "regularizer=none,l1", "trainer.epochs=2", "trainer.batch_size=32",
    "trainer.compile=false", "hydra.launcher.workers=0", "hydra.sweeper.n_trials=3",
    "hydra.sweeper.confirm_seeds=2", "hydra.sweeper.max_confirm_seeds=2",
)  # fmt: skip


@pytest.fixture
def sweep(monkeypatch, tmp_path):
    """Asks for a sweep in a folder, by default ``here``."""
    monkeypatch.chdir(tmp_path)

    def asked(*arguments, folder="here"):
        multirun(monkeypatch, *TINY, *arguments, f"hydra.sweep.dir={tmp_path / folder}")
        return tmp_path / folder

    return asked


def test_a_comparison_goes_on_to_the_table_of_one_never_touched(sweep):
    folder = sweep("data=sklearn", "data.dataset=breast_cancer")
    table = (folder / "comparison.csv").read_bytes()
    records = sorted(folder.rglob("record.json"))
    assert len(records) == 4 + 4
    for record in records[::2]:
        shutil.rmtree(record.parent)

    sweep("data=sklearn", "data.dataset=breast_cancer")

    assert (folder / "comparison.csv").read_bytes() == table
    assert sorted(folder.rglob("record.json")) == records


def table(path, shift=0.0):
    """Two classes that overlap, with a group of four rows each and a column that says nothing."""
    rows = [
        f"{(n * 7919 % 101) / 10 + 3 * (who % 2) + shift},{'fm'[n % 2]},here,p{who},c{who % 2}"
        for n, who in ((n, n // 4) for n in range(160))
    ]
    path.write_text("\n".join(["age,sex,site,who,outcome", *rows]) + "\n")


def test_a_table_is_compared_from_its_path_wherever_a_job_works(sweep, tmp_path, capsys):
    table(tmp_path / "heart.csv")

    folder = sweep(
        *("data=csv", "data.path=heart.csv", "data.target=outcome", "data.columns=[age,sex,site]"),
        "hydra.job.chdir=true",
    )

    [*rows] = csv.DictReader((folder / "comparison.csv").read_text().splitlines())
    assert [row["seeds"] for row in rows] == ["2", "2"]
    said = capsys.readouterr().out
    assert f"data.path={tmp_path}/heart.csv: left out site (constant)" in said
    assert "32 rows test: the choice of so few gives an accuracy of 90 % a standard error" in said
    assert "of 5.3 points" in said


ASKED = ("data=csv", "data.path=heart.csv", "data.target=outcome", "data.columns=[age,sex]")


def test_a_sweep_goes_on_where_its_file_lies_and_not_with_another(sweep, tmp_path):
    table(tmp_path / "heart.csv")
    folder = sweep(*ASKED)
    stored = json.loads((folder / "sweep.json").read_text())["data"]
    shutil.rmtree(next(folder.glob("confirm/*/*")))
    was = hashlib.sha256((tmp_path / "heart.csv").read_bytes()).hexdigest()
    assert [data["files"] for data in stored] == [{"data.path": was}] * 2
    assert (stored[0]["train"], stored[0]["validation"], stored[0]["test"]) == (102, 26, 32)
    assert stored[0]["classes"] == ["c0", "c1"]
    assert "102 train, 26 validation, 32 test" in (folder / "report.html").read_text()

    table(tmp_path / "heart.csv", shift=1.0)
    now = hashlib.sha256((tmp_path / "heart.csv").read_bytes()).hexdigest()
    refused = (
        f"{folder}: data.path is another file than when the sweep began: its SHA-256 was {was} "
        f"and is now {now}. Put the old one back, take another hydra.sweep.dir, or go on all the "
        "same by hydra.sweeper.accept_changes=true"
    )
    with pytest.raises(InputError) as caught:
        sweep(*ASKED)
    assert str(caught.value) == refused
    (folder / "sweep.json").unlink()  # the records say so too
    with pytest.raises(InputError) as caught:
        sweep(*ASKED)
    assert str(caught.value) == refused

    table(tmp_path / "moved.csv")
    sweep(*ASKED, "data.path=moved.csv")
    assert len(list(folder.rglob("record.json"))) == 4 + 4
    # Nor do the records say which looks and which margin had been planned.
    assert json.loads((folder / "sweep.json").read_text())["exploratory"] == LOST_PLAN


def test_a_file_that_changes_under_a_sweep_stops_it(tmp_path):
    table(tmp_path / "heart.csv")
    _, sweep = checked_sweep("regularizer=none,l1", *ASKED, f"data.path={tmp_path}/heart.csv")
    began = SweepFile((), "basic", (), (), "val_loss", 0, SETTLED, {}, data=stored_data(sweep.arms))

    refuse_other_files(sweep.runs[0], began)
    table(tmp_path / "heart.csv", shift=1.0)

    expected = r"data.path=.*heart.csv: data.path is another file than when the sweep began: its S"
    with pytest.raises(MachineFault, match=expected):
        refuse_other_files(sweep.runs[0], began)


def test_a_function_that_gives_other_rows_is_to_be_seeded(no_choices):
    @regsweep.data
    def blobs():
        return regsweep.Arrays(np.random.default_rng().normal(size=(60, 2)), np.arange(60) % 2)

    _, sweep = checked_sweep("data=blobs")
    rows = ({"files": {"data=blobs": "0" * 64}},)
    began = SweepFile((), "basic", (), (), "val_loss", 0, SETTLED, {}, data=rows)

    with pytest.raises(MachineFault, match=r"data=blobs gives .*; seed what it draws, or put the"):
        refuse_other_files(sweep.runs[0], began)


def test_flat_rows_are_no_images_to_convolve(sweep):
    with pytest.raises(InputError, match=r"model=cnn: expected mlp or logistic: inputs of shape"):
        sweep("data=sklearn", "data.dataset=wine", "model=cnn")


def test_a_comparison_of_numbers_goes_on_to_the_table_of_one_never_touched(sweep, capsys):
    asked = ("data=sklearn", "data.dataset=diabetes", "objective=val_error", "model=linear")
    folder = sweep(*asked)
    table = (folder / "comparison.csv").read_bytes()
    assert b",val_loss,val_r2,seeds,test_r2_mean," in table.splitlines()[0]
    facts = json.loads((folder / "sweep.json").read_text())["data"][0]
    assert facts["task"] == "regression"
    assert facts["deviation"][0] == pytest.approx(74, abs=5)
    records = sorted(folder.rglob("record.json"))
    for record in records[::2]:
        shutil.rmtree(record.parent)

    sweep(*asked)

    assert (folder / "comparison.csv").read_bytes() == table
    assert sorted(folder.rglob("record.json")) == records
    told = capsys.readouterr().out
    assert "R²" in told
    assert "acc %" not in told
    page = (folder / "report.html").read_text()
    assert "<dt>task</dt><dd>regression</dd>" in page
    assert "standardised by mean 149, standard deviation 74" in page


def test_a_score_that_a_part_does_not_allow_is_refused_before_any_training(sweep, tmp_path):
    rows = [f"{n % 7},{'ill' if n in (3, 50, 99) else 'well'}" for n in range(100)]
    (tmp_path / "x.csv").write_text("\n".join(["age,outcome", *rows]) + "\n")
    asked = ("data=csv", f"data.path={tmp_path / 'x.csv'}", "data.target=outcome")
    (tmp_path / "test.csv").write_text("age,outcome\n1,well\n2,well\n")

    with pytest.raises(InputError) as caught:
        sweep(*asked, f"data.test_path={tmp_path / 'test.csv'}", "score=roc_auc")

    assert str(caught.value) == (
        "score=roc_auc: expected auto: the test part has only rows of well, and ROC AUC needs "
        "others"
    )
    assert not list((tmp_path / "here").rglob("record.json"))
