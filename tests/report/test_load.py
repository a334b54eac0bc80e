import doctest
import io
import subprocess
import sys

import pandas as pd
import pytest

import regsweep
from regsweep.errors import InputError
from regsweep.report.aggregate import gather_and_show
from regsweep.report.tables.request import read_request

LIGHT = "import sys, regsweep; print({'pandas', 'sklearn'} & {*sys.modules})"


def compared(folder, **fields):
    """A sweep of two arms that was never gathered."""
    directory = folder.compared("none", "l1", **fields)
    folder.arm("none", [0.5, 0.4, 0.6])
    folder.arm("l1", [0.4, 0.3, 0.5])
    return directory


def test_the_tables_are_those_of_the_files(folder):
    directory = compared(folder)
    found = regsweep.load(str(directory))
    assert sorted(path.name for path in directory.glob("*.csv")) == []
    runs, arms, *_ = gather_and_show([directory])
    for table, path in ((found.runs, runs), (found.arms, arms)):
        read = pd.read_csv(io.StringIO(path.read_text()), keep_default_na=False, na_values=[""])
        pd.testing.assert_frame_equal(table, read, check_dtype=False)


def test_the_example_of_the_docstring_runs_and_shows_what_it_says(folder, monkeypatch):
    compared(folder, budget={"n_trials": 20})
    named = "multirun/2026-01-31/12-00-00.123456"
    (folder.root / named).parent.mkdir(parents=True)
    (folder.root / "sweep").rename(folder.root / named)
    monkeypatch.chdir(folder.root)
    examples = doctest.DocTestParser().get_examples(regsweep.load.__doc__)
    names = {"regsweep": regsweep}
    for example in examples:
        if example.source.startswith("found = "):
            exec(example.source, names)
            continue
        value = eval(example.source, names)
        assert len(value) if isinstance(value, pd.DataFrame | pd.Series) else value
        assert example.want in ("", f"{value}\n")
    assert len(examples) == 4


def test_what_to_take_is_there_too(folder):
    looks = {
        "looks": (3,),
        "margin": 0.1,
        "seeds": {"search": (0,), "confirm": (10000, 10001, 10002)},
    }
    folder.compared("none", "l1", **looks)
    for arm in ("none", "l1"):
        folder.arm(arm, [0.5, 0.4, 0.6])
    ((choice,),) = regsweep.load(folder.root).choices.values()
    assert choice.arm == "regularizer=none"


def test_columns_have_the_types_of_their_values(folder):
    found = regsweep.load(compared(folder))
    types = found.arms.dtypes.astype(str)
    assert (types["trials"], types["seeds"], types["p_holm"]) == ("Int64", "Int64", "float64")
    assert (types["regularizer.weight"], types["verdict"]) == ("float64", "str")
    types = found.runs.dtypes.astype(str)
    assert (types["regularizer"], types["regularizer.weight"]) == ("str", "float64")
    assert (types["trial"], types["seed"], types["seconds"]) == ("Int64", "int64", "float64")


def test_a_null_stays_apart_from_a_missing_value(folder):
    folder.trial(0, None, 0.5, params={"x": None})
    folder.trial(1, None, 0.5, params={"x": 1})
    folder.trial(2, None, 0.5)
    null, number, missing = regsweep.load(folder.root).runs["x"]
    assert (null, number) == (None, 1)
    assert missing != missing


def test_what_was_asked_is_a_frozen_dataclass(folder):
    directory = compared(folder)
    found = regsweep.load(directory)
    assert found.sweep == read_request(directory)
    with pytest.raises(AttributeError):
        found.sweep.seed = 1


def test_of_several_sweeps_each_was_asked_for_something(folder):
    for name in ("a", "b"):
        folder.compared("none", name=name, seed=ord(name))
        folder.trial(0, None, 0.5, arm="none", sweep=name)
    found = regsweep.load(folder.root)
    assert {name: asked.seed for name, asked in found.sweeps.items()} == {"a": 97, "b": 98}
    assert found.arms["sweep"].tolist() == ["a", "b"]
    with pytest.raises(InputError) as caught:
        found.sweep  # noqa: B018
    assert str(caught.value) == (
        f"{folder.root}: sweep is of a folder of one sweep; it holds a, b (see sweeps)"
    )


def test_runs_outside_a_sweep_have_tables_and_no_sweep(folder):
    folder.run("a", metrics={"val_loss": 0.5, "val_accuracy": 0.5})
    found = regsweep.load(folder.root / "a")
    assert found.runs["val_loss"].tolist() == [0.5]
    with pytest.raises(InputError, match="it holds none"):
        found.sweep  # noqa: B018


def test_what_is_damaged_is_said_and_what_is_unfinished_is_listed(folder):
    directory = compared(folder)
    (folder.unfinished("sweep/broken") / "record.json").write_text("{")
    folder.unfinished("sweep/at-work")
    with pytest.warns(UserWarning, match=r"left out, .*broken/record\.json") as caught:
        found = regsweep.load(directory)
    assert caught[0].filename == __file__
    assert [one.path for one in found.unreadable] == [str(directory / "broken" / "record.json")]
    assert [one.path for one in found.unfinished] == [str(directory / "at-work")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere", "{}/nowhere: no such directory"),
        ("empty", "{}/empty: holds no run (no record.json in it or under it)"),
        ("file", "{}/file: expected a directory, but it is none"),
    ],
)
def test_a_folder_without_records_is_refused_in_one_sentence(tmp_path, name, reason):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        regsweep.load(tmp_path / name)
    assert str(caught.value) == reason.format(tmp_path)


def test_nothing_is_loaded_before_it_is_needed():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
