import shlex
from dataclasses import replace

from regsweep.record import read
from regsweep.report.aggregate import gather_and_show
from regsweep.report.gather import gather
from regsweep.report.runs import runs_table
from regsweep.report.terminal import EXPLORATORY, is_exploratory
from regsweep.settle import Settled
from regsweep.sweep_file import read as read_sweep
from regsweep.sweep_file import write as write_sweep


def shown(capsys, directory):
    gather_and_show([directory])
    return capsys.readouterr().out


def test_problems_are_counted_and_ten_are_named(folder, capsys):
    sweep = folder.sweep("s")
    folder.run("good", "s", trial=0)
    for number in range(12):
        folder.unfinished(f"s/cut-{number:02}")
    (folder.unfinished("s/torn") / "record.json").write_text("[]")
    lines = shown(capsys, sweep).splitlines()
    start = lines.index("1 unreadable:")
    assert lines[start + 1 : start + 3] == [
        f"  {sweep}/torn/record.json: not a record (a JSON list)",
        "12 unfinished:",
    ]
    assert lines[start + 3] == f"  {sweep}/cut-00: has no record.json"
    assert lines[start + 12] == f"  {sweep}/cut-09: has no record.json"
    assert lines[start + 13 :] == [
        "  and 2 more",
        f"wrote {sweep}/runs.csv",
        f"wrote {sweep}/comparison.csv",
        f"wrote {sweep}/report.html",
    ]


def test_a_search_over_several_arms_claims_no_ranking(folder, capsys):
    folder.trial(0, 0.5, 0.5, arm="l1")
    folder.trial(1, 0.5, 0.5, arm="l2")
    assert EXPLORATORY in shown(capsys, folder.root)


def test_each_of_several_sweeps_has_a_table_under_its_name(folder, capsys):
    for sweep in ("a", "b"):
        folder.trial(0, 0.5, 0.5, sweep=sweep)
    folder.run("alone")
    lines = shown(capsys, folder.root).splitlines()
    heads = [line for line in lines if line in ("a", "b", "runs outside any sweep")]
    assert heads == ["runs outside any sweep", "a", "b"]
    rows = [line.split()[:2] for line in lines if line.startswith("regularizer")]
    assert rows == [["regularizer=none", "1"]] + [["regularizer=l1", "weight=0.5"]] * 2


def exploratory(folder):
    runs = runs_table(gather([folder.root]).runs)
    return any(is_exploratory(of_sweep) for _, of_sweep in runs.groupby("sweep"))


def test_one_arm_a_grid_and_a_confirmed_search_are_not_exploratory(folder):
    folder.trial(0, 0.5, 0.5, sweep="one")
    folder.trial(0, 0.5, 0.5, sweep="other", arm="l2")
    for arm in ("l1", "l2"):
        folder.trial(0, 0.5, 0.5, sweep="grid", arm=arm, stage="single")
        folder.trial(0, 0.5, 0.5, sweep="full", arm=arm)
        folder.trial(0, 0.5, 0.5, sweep="full", arm=arm, seed=1, stage="confirm")
    assert not exploratory(folder)
    folder.trial(1, 0.5, 0.5, sweep="other", arm="l1")
    assert exploratory(folder)


def test_a_lone_run_is_shown_by_its_metrics(folder, capsys):
    folder.run("a[0]", epochs=5, seconds=1.25, seed=3, metrics={"test_accuracy": 0.5})
    text = shown(capsys, folder.root / "a[0]")
    assert text.startswith("a[0], regularizer=none, seed 3, completed, 5 epochs, 1.2 s\n")
    assert "50.00" in text.split()
    assert "arm" not in text


def test_a_failed_lone_run_shows_its_error(folder, capsys):
    folder.run("a", status="failed", error="Traceback:\nValueError: [b] no such thing")
    lines = shown(capsys, folder.root / "a").splitlines()
    assert lines[0] == "a, regularizer=none, seed 0, failed, 0 epochs, 0.0 s"
    assert lines[1] == "ValueError: [b] no such thing"


AGAIN = "to train the first arm again: "
FIXED = ("trainer.epochs=2", "model.hidden=[8, 4]")


def two_arms(folder, sweep="sweep", arms=("none", "l1")):
    """A sweep in which ``l1`` is better than ``none``; each run has what it was given."""
    folder.compared(*arms, name=sweep, overrides=(f"regularizer={','.join(arms)}", *FIXED))
    for arm, values, shift in (("none", (), 0), ("l1", ("regularizer.weight=0.0001",), 0.1)):
        given = (f"regularizer={arm}", *FIXED, *values)
        channel = (f"run.arm={{regularizer:{arm}}}", "run.trial=0")
        search = (*given, "seed=0", "run.stage=search", *channel)
        weight = 1e-4 if values else None
        folder.trial(0, weight, 0.25, arm=arm, sweep=sweep, overrides=search)
        for seed, loss in ((10000, 0.5), (10001, 0.541), (10002, 0.513)):
            lines = (*given, f"seed={seed}", "run.stage=confirm", *channel)
            loss -= shift * (seed - 9900) / 100
            folder.confirm(arm, [loss], seed=seed, sweep=sweep, overrides=lines)


def test_the_verdict_and_then_the_remarks_follow_the_table(folder, capsys):
    two_arms(folder, arms=("none", "l1", "l2"))
    lines = shown(capsys, folder.root / "sweep").splitlines()
    table = next(i for i, line in enumerate(lines) if line.startswith("l2"))
    assert lines[table + 1] == ""
    assert lines[table + 2].startswith(
        "Better than regularizer=none: regularizer=l1 at weight=0.0001 "
        "(test loss lower by 0.1, 95 % interval "
    )
    assert lines[table + 3] == "regularizer=l2 has no finished trial."


def test_the_table_leaves_out_what_all_arms_were_given(folder, capsys):
    two_arms(folder)
    lines = shown(capsys, folder.root / "sweep").splitlines()
    (row,) = [line.split() for line in lines if line.startswith("l1")]
    (other,) = [line.split() for line in lines if line.startswith("none")]
    assert row[:3] == ["l1", "weight=0.0001", "89.58"]
    assert other[:2] == ["none", "87.05"]


def test_the_command_that_is_shown_trains_the_winner_again(folder, capsys):
    two_arms(folder)
    lines = shown(capsys, folder.root / "sweep").splitlines()
    (line,) = [line for line in lines if line.startswith(AGAIN)]
    python, *words = shlex.split(line.removeprefix(AGAIN))
    assert [python, *words[:2]] == ["python", "-m", "regsweep"]
    confirmed = read(folder.root / "sweep" / "l1-0-10000" / "record.json")
    given = [line for line in confirmed.overrides if not line.startswith("run.")]
    assert sorted(words[2:]) == sorted(given)


def test_no_command_is_shown_where_nothing_was_tested(folder, capsys):
    folder.compared("none", "l1")
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.5)
    assert AGAIN not in shown(capsys, folder.root)


def test_no_command_is_shown_for_several_sweeps(folder, capsys):
    two_arms(folder, "a")
    two_arms(folder, "b")
    text = shown(capsys, folder.root)
    assert "Better than a: regularizer=none: " in text
    assert AGAIN not in text


def test_an_interrupted_compare_sweep_is_not_called_exploratory(folder, capsys):
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.5)
    assert EXPLORATORY in shown(capsys, folder.root)
    folder.compared("none", "l1", budget={"n_trials": 2})
    text = shown(capsys, folder.root)
    assert EXPLORATORY not in text
    assert "The search is not finished." in text.splitlines()


def test_a_compiled_sweep_is_repeated_by_a_compiled_run(folder, capsys):
    two_arms(folder)
    compiled = replace(
        read_sweep(folder.root / "sweep"), settled=Settled("cpu", "compiled", 1, "highest", 8)
    )
    write_sweep(compiled, folder.root / "sweep")

    (line,) = [x for x in shown(capsys, folder.root).splitlines() if x.startswith(AGAIN)]

    assert line.endswith(" seed=10000 trainer.compile=true")
