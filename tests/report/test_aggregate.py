import pandas as pd
import pytest

from regsweep.errors import InputError
from regsweep.report.aggregate import gather_and_show


def test_the_files_go_into_the_sweep_by_default(folder):
    sweep = folder.sweep(objective="val_error")
    folder.trial(0, 0.5, 0.2, more={"val_accuracy": 0.7})
    folder.trial(1, 0.1, 0.3, more={"val_accuracy": 0.8})
    names = ("runs.csv", "comparison.csv", "report.html", "columns.csv")
    assert gather_and_show([sweep]) == [sweep / name for name in names]
    assert pd.read_csv(sweep / "comparison.csv")["val_loss"].tolist() == [0.3]


def test_gathering_again_gives_the_same_bytes(folder):
    sweep = folder.sweep()
    for number in range(3):
        folder.trial(number, 0.1 * number, 1 / (number + 3))
    first, second = ([f.read_bytes() for f in gather_and_show([sweep])] for _ in range(2))
    assert first == second


def test_several_directories_need_an_out(folder):
    for sweep in ("a", "b"):
        folder.sweep(sweep)
        folder.trial(0, 0.5, 0.5, sweep=sweep)
    directories = [folder.root / "a", folder.root / "b"]
    with pytest.raises(InputError) as caught:
        gather_and_show(directories)
    assert str(caught.value) == "--out: name a folder for the tables of 2 directories"
    files = gather_and_show(directories, folder.root / "out")
    assert [f.parent for f in files] == [folder.root / "out"] * 4
    assert pd.read_csv(files[1])["sweep"].tolist() == ["a", "b"]
    assert pd.read_csv(files[0])["sweep"].tolist() == ["a", "b"]
