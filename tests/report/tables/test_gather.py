import os

import pytest

import regsweep.report.tables.gather as module
from regsweep.errors import InputError
from regsweep.report.tables.gather import Problem, gather


def names(gathered):
    return sorted((run.sweep, run.record.run) for run in gathered.runs)


def test_a_sweep_with_nested_runs_goes_by_its_own_name(folder):
    sweep = folder.sweep("day/10-00-00")
    records = [folder.run(f"a/{n}", "day/10-00-00", trial=n) for n in range(3)]
    gathered = gather([sweep])
    assert names(gathered) == [("10-00-00", "a/0"), ("10-00-00", "a/1"), ("10-00-00", "a/2")]
    assert sorted((r.record for r in gathered.runs), key=lambda r: r.run) == records


def test_a_single_run_has_no_sweep(folder):
    record = folder.run("alone", metrics={"val_loss": 0.1 + 0.2})
    (run,) = gather([folder.root / "alone"]).runs
    assert (run.sweep, run.record) == ("", record)


def test_a_folder_of_sweeps_and_runs_names_sweeps_below_their_common_parent(folder):
    folder.sweep("multirun/mon/1")
    folder.sweep("multirun/tue/1")
    folder.run("0", "multirun/mon/1")
    folder.run("0", "multirun/tue/1")
    folder.run("alone")
    assert names(gather([folder.root])) == [("", "alone"), ("mon/1", "0"), ("tue/1", "0")]


def test_a_job_names_its_sweep_where_there_is_no_sweep_file(folder):
    for sweep in ("one", "two"):
        folder.run("a/0", sweep, trial=0)
    assert names(gather([folder.root])) == [("one", "a/0"), ("two", "a/0")]


@pytest.mark.parametrize("order", [1, -1])
def test_directories_that_overlap_give_each_run_once(folder, order):
    sweep = folder.sweep()
    folder.run("0", "sweep")
    assert names(gather([sweep / "0", str(sweep) + "/", sweep][::order])) == [("sweep", "0")]


def test_each_record_is_read_once(folder, monkeypatch):
    for number in range(20):
        folder.run(str(number), "sweep", trial=number)
    reads = []
    read = module.read
    monkeypatch.setattr(module, "read", lambda path: reads.append(path) or read(path))
    gather([folder.root, folder.root / "sweep"])
    assert len(reads) == len(set(reads)) == 20


def test_unreadable_and_unfinished_runs_are_listed_by_name(folder):
    sweep = folder.sweep()
    folder.run("good", "sweep")
    for name, text in (("torn", '{"run'), ("list", "[]"), ("old", '{"schema": 0}')):
        (folder.unfinished(f"sweep/{name}") / "record.json").write_text(text)
    folder.run("wrong", "sweep", metrics={"val_loss": "low"})
    folder.unfinished("sweep/cut")
    gathered = gather([sweep])
    assert names(gathered) == [("sweep", "good")]
    assert gathered.unfinished == (Problem(str(sweep / "cut"), "has no record.json"),)
    list_, old, torn, wrong = gathered.unreadable
    assert list_ == Problem(str(sweep / "list/record.json"), "not a record (a JSON list)")
    assert old == Problem(str(sweep / "old/record.json"), "schema 0, this version reads 1 to 3")
    assert torn.path == str(sweep / "torn/record.json")
    assert torn.reason.startswith("unreadable (Unterminated string")
    expected = "metrics {'val_loss': 'low'}, expected an object, each value a number"
    assert wrong == Problem(str(sweep / "wrong/record.json"), expected)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"arm": ["l1"]}, "arm ['l1'], expected an object, each value text"),
        ({"seed": 1.5}, "seed 1.5, expected an integer of 64 bits"),
        ({"trial": True}, "trial True, expected an integer of 64 bits or null"),
        ({"seconds": "1"}, "seconds '1', expected a number"),
        ({"run": 3}, "run 3, expected text"),
    ],
)
def test_values_that_would_break_the_tables_make_a_record_unreadable(folder, fields, reason):
    folder.run("good")
    folder.run("bad", **fields)
    (problem,) = gather([folder.root]).unreadable
    assert problem == Problem(str(folder.root / "bad/record.json"), reason)


def test_the_objective_is_the_sweep_files_else_the_configs_else_val_loss(folder):
    folder.sweep("a", objective="val_error")
    for lost in ("b", "c"):
        (folder.sweep(lost) / "sweep.json").write_text("{")
    folder.run("0", "a", config={"objective": "val_loss"})
    folder.run("0", "b", config={"objective": "val_error"})
    folder.run("0", "c")
    assert gather([folder.root]).objectives == {"a": "val_error", "b": "val_error", "c": "val_loss"}


def test_a_damaged_sweep_file_is_listed(folder):
    sweep = folder.sweep(objective="speed")
    folder.run("0", "sweep", config={"objective": "val_error"})
    gathered = gather([sweep])
    assert gathered.objectives == {"sweep": "val_error"}
    assert gathered.unreadable == (
        Problem(
            str(sweep / "sweep.json"),
            "objective 'speed', expected one of val_loss, val_error",
        ),
    )


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (os.mkdir, "a folder"),
        (lambda path: os.symlink("/dev/zero", path), "a symbolic link"),
    ],
    ids=["pipe", "folder", "link"],
)
def test_what_is_no_file_is_listed_and_not_waited_for(folder, make, kind):
    sweep = folder.sweep()
    folder.run("good", "sweep", trial=0)
    folder.unfinished("sweep/odd")
    (sweep / "sweep.json").unlink()
    paths = [sweep / "odd/record.json", sweep / "sweep.json"]
    for path in paths:
        make(path)
    gathered = gather([folder.root])
    assert names(gathered) == [("sweep", "good")]
    reason = f"unreadable ({kind}, expected a regular file)"
    assert gathered.unreadable == tuple(Problem(str(path), reason) for path in paths)
    assert gathered.unfinished == ()


def test_an_objective_that_is_no_word_is_not_believed(folder):
    folder.run("0", "sweep", trial=0, config={"objective": ["val_error"]})
    assert gather([folder.root]).objectives == {"sweep": "val_loss"}


def message_of(*directories):
    with pytest.raises(InputError) as caught:
        gather(directories)
    return str(caught.value)


def test_a_missing_directory_is_named(folder):
    folder.run("0")
    missing = folder.root / "missing"
    assert message_of(folder.root, missing) == f"{missing}: no such directory"


def test_an_empty_directory_is_named(folder):
    empty = folder.sweep("empty")
    folder.run("0", "full")
    expected = f"{empty}: holds no run (no record.json in it or under it)"
    assert message_of(folder.root / "full", empty) == expected


def test_a_directory_with_no_readable_record_says_what_it_has(folder):
    cut = folder.unfinished("sweep/cut")
    assert message_of(folder.root) == (
        f"{folder.root}: no record that can be read (0 unreadable, 1 unfinished): "
        f"{cut}: has no record.json"
    )
