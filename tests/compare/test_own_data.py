"""Whole comparisons on data that are not MNIST, within the process of the tests."""

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


def test_flat_rows_are_no_images_to_convolve(sweep):
    with pytest.raises(InputError, match=r"model=cnn: expected mlp or logistic: inputs of shape"):
        sweep("data=sklearn", "data.dataset=wine", "model=cnn")
