"""Whole comparisons on data that are not MNIST, within the process of the tests."""

import csv
import shutil

import pytest
from in_process import multirun

from regsweep.errors import InputError

TINY = (
    "regularizer=none,l1", "trainer.epochs=2", "trainer.batch_size=32",
    "trainer.compile=false", "hydra.launcher.workers=0", "hydra.sweeper.n_trials=3",
    "hydra.sweeper.confirm_seeds=2",
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
    assert f"data.path={tmp_path}/heart.csv: left out site (constant)" in capsys.readouterr().out


def test_flat_rows_are_no_images_to_convolve(sweep):
    with pytest.raises(InputError, match=r"model=cnn: expected mlp or logistic: inputs of shape"):
        sweep("data=sklearn", "data.dataset=wine", "model=cnn")
