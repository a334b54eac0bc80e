import os
import shutil

import pytest

from regsweep.report.build import build_report
from regsweep.report.tables.gather import Problem, gather


def compared(folder, name="sweep"):
    folder.compared("none", "l1", name=name)
    folder.arm("none", [0.5, 0.52, 0.54], sweep=name)
    folder.arm("l1", [0.4, 0.43, 0.44], sweep=name)


def copied(folder, source, target):
    shutil.copytree(folder.root / source, folder.root / target)
    return folder.root / target


def runs(gathered):
    return sorted((run.sweep, run.record.run) for run in gathered.runs)


def test_a_copied_sweep_changes_nothing_and_is_told(folder):
    compared(folder)
    before = build_report([folder.root / "sweep"])
    copy = copied(folder, "sweep", "sweep-backup")
    after = build_report([folder.root])
    assert after.comparison.equals(before.comparison)
    assert after.verdicts == before.verdicts
    assert len(after.runs) == len(before.runs) == 8
    assert list(after.asked) == ["sweep"]
    assert len(after.copies) == 8
    first = Problem(str(copy / "l1-0-0"), f"a copy of {folder.root / 'sweep/l1-0-0'}")
    assert after.copies[0] == first


def test_a_copied_run_is_no_second_seed(folder):
    compared(folder)
    copied(folder, "sweep/l1-0-10000", "sweep/again")
    copied(folder, "sweep/l1-0-10000", "sweep/a")
    made = build_report([folder.root])
    assert made.comparison["seeds"].tolist() == [3, 3]
    original = folder.root / "sweep/l1-0-10000"
    assert made.copies == tuple(
        Problem(str(folder.root / "sweep" / name), f"a copy of {original}")
        for name in ("a", "again")
    )


@pytest.mark.parametrize("backup", ["backup", "zz", "sweep/inner"])
def test_the_sweep_that_went_on_keeps_its_runs(folder, backup):
    compared(folder)
    copied(folder, "sweep", backup)
    folder.confirm("l1", [0.41], seed=10003)
    gathered = gather([folder.root])
    assert {run.sweep for run in gathered.runs} == {"sweep"}
    assert (len(gathered.runs), len(gathered.copies)) == (9, 8)


def test_a_run_outside_any_sweep_is_counted_once(folder):
    folder.run("alone", params={"a": 1})
    copied(folder, "alone", "a-copy")
    gathered = gather([folder.root])
    assert runs(gathered) == [("", "alone")]
    expected = (Problem(str(folder.root / "a-copy"), f"a copy of {folder.root / 'alone'}"),)
    assert gathered.copies == expected


def test_equal_results_of_two_runs_are_no_copies(folder):
    compared(folder, "one")
    compared(folder, "two")
    gathered = gather([folder.root])
    assert gathered.copies == ()
    assert len(gathered.runs) == 16


def test_records_that_do_not_say_when_they_began_are_told_apart_by_what_they_took(folder):
    for name, seconds in (("one", 0.0), ("two", 0.0), ("three", 0.25), ("four", 0.25)):
        folder.run("0", name, trial=0, started=None, seconds=seconds)
    assert {run.sweep for run in gather([folder.root]).runs} == {"one", "two", "four"}


def test_sweeps_of_one_time_stamp_have_names_of_their_own(folder):
    for root in ("a/multirun", "b/multirun"):
        folder.sweep(f"{root}/2026-11-26/10-00-00")
        folder.run("0", f"{root}/2026-11-26/10-00-00", trial=0)
    directories = [folder.root / root / "multirun/2026-11-26/10-00-00" for root in "ab"]
    expected = [(f"{root}/multirun/2026-11-26/10-00-00", "0") for root in "ab"]
    assert runs(gather(directories)) == runs(gather([folder.root])) == expected


def test_a_sweep_within_a_sweep_has_a_name_of_its_own(folder):
    folder.sweep("outer")
    folder.sweep("outer/inner")
    folder.run("0", "outer", trial=0)
    folder.run("0", "outer/inner", trial=0)
    assert runs(gather([folder.root])) == [("outer", "0"), ("outer/inner", "0")]


def test_a_sweep_whose_name_is_no_text_is_shown_by_its_bytes(folder):
    sweep = os.fsdecode(b"sw\xffeep")
    folder.sweep(sweep)
    folder.run("0", sweep, trial=0)
    folder.unfinished(f"{sweep}/cut")
    gathered = gather([folder.root])
    assert runs(gathered) == [(r"sw\xffeep", "0")]
    assert gathered.unfinished[0].path == rf"{folder.root}/sw\xffeep/cut"
