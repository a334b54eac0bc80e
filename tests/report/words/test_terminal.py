import html
import shlex

import pytest

from regsweep.records.record import read
from regsweep.report.aggregate import gather_and_show
from regsweep.report.build import build_report
from regsweep.report.tables.gather import gather
from regsweep.report.tables.runs import runs_table
from regsweep.report.words.terminal import EXPLORATORY, _wrapped, again, is_exploratory


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
        f"wrote {sweep}/columns.csv",
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
    rows = [line.split()[:2] for line in lines if line.startswith(("none ", "l1 "))]
    assert rows == [["none", "1"]] + [["l1", "weight=0.5"]] * 2


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


AGAIN = "to train regularizer=l1 again: "
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
    assert lines[table + 1].strip() == ""
    assert lines[table + 2].startswith("Better than none in test loss (intervals corrected ")
    assert lines[table + 3].startswith("  l1: lower by 0.1 (")
    remarks = lines[table + 4 : table + 6]
    assert remarks[1] == "The search is not finished: 2 of 3 trials are done."
    assert remarks[0] == "regularizer=l2 has no finished trial."


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
    assert "a: Better than none in test loss" in text
    assert AGAIN not in text


def test_an_interrupted_compare_sweep_is_not_called_exploratory(folder, capsys):
    folder.trial(0, None, 0.5, arm="none")
    folder.trial(0, 1e-4, 0.5)
    assert EXPLORATORY in shown(capsys, folder.root)
    folder.compared("none", "l1", budget={"n_trials": 2})
    text = shown(capsys, folder.root)
    assert EXPLORATORY not in text
    assert "The search is not finished: 2 of 3 trials are done." in text.splitlines()


AUTO = {"trainer.compile": "auto", "trainer.device": "auto"}


@pytest.mark.parametrize(("mode", "compiles"), [("compiled", "true"), ("eager", "false")])
def test_what_was_settled_is_repeated_in_one_text_everywhere(folder, capsys, mode, compiles):
    folder.compared("none", "l1", search_path=["file:///my configs", "pkg://mine"])
    environment = {"mode": mode, "device": "cpu"}
    for arm, losses in (("none", [0.5, 0.541, 0.513]), ("l1", [0.4, 0.439, 0.413])):
        given = (f"regularizer={arm}", "trainer.compile=auto", "trainer.epochs=2")
        fields = {"config": AUTO, "environment": environment, "overrides": given}
        folder.trial(0, None, 0.5, arm=arm, **fields)
        folder.confirm(arm, losses, params={}, **fields)
    lines = shown(capsys, folder.root / "sweep").splitlines()
    (line,) = [x for x in lines if x.startswith(AGAIN)]
    best = build_report([folder.root]).comparison["best_overrides"].iloc[0]
    assert line == f"{AGAIN}python -m regsweep {best} seed=10000"
    assert shlex.split(best) == [
        "regularizer=l1",
        "trainer.epochs=2",
        "trainer.device=cpu",
        f"trainer.compile={compiles}",
        "hydra.searchpath=['file:///my configs',pkg://mine]",
    ]
    page = (folder.root / "sweep" / "report.html").read_text()
    assert f'data-copy="{best}"' in html.unescape(page)


def test_the_command_is_for_the_better_arm_of_the_largest_improvement(folder):
    """An arm of a lower mean that no test finds better is not named by the verdict."""
    folder.compared("none", "l1", "l2", "elastic")
    folder.arm("none", [0.5, 0.541, 0.513])
    folder.arm("l1", [0.45, 0.49, 0.463])
    folder.arm("l2", [0.4, 0.439, 0.413])
    folder.arm("elastic", [0.1, 0.541, 0.2])
    report = build_report([folder.root])
    assert report.comparison["arm"].iloc[0] == "regularizer=elastic"
    assert again(report).startswith("to train regularizer=l2 again: ")


def test_the_command_is_for_the_arm_to_take(folder, capsys):
    """Which is simpler than the one of the largest improvement, and as good."""
    folder.compared("none", "l1", "l2", looks=(3,), margin=0.1)
    folder.arm("none", [0.9, 0.905, 0.895])
    folder.arm("l1", [0.501, 0.504, 0.499])
    more = {"regularizer.weight": 1e-4, "optimizer.lr": 0.1}
    folder.trial(0, None, 0.25, arm="l2", params=more)
    folder.confirm("l2", [0.5, 0.503, 0.498], params=more)
    lines = shown(capsys, folder.root / "sweep").splitlines()
    ranked = [line.split()[0] for line in lines if line.startswith(("none ", "l1 ", "l2 "))]
    assert ranked == ["l2", "l1", "none"]
    assert any(line.startswith("To take: regularizer=l1.") for line in lines)
    [told] = [line for line in lines if line.startswith("to train ")]
    assert told.startswith("to train regularizer=l1 again: ")


def test_where_no_arm_is_better_the_command_is_for_the_baseline(folder):
    folder.compared("none", "l1")
    folder.arm("none", [0.5, 0.541, 0.513])
    folder.arm("l1", [0.4, 0.55, 0.5])
    report = build_report([folder.root])
    assert report.comparison["arm"].iloc[0] == "regularizer=l1"
    assert again(report).startswith("to train regularizer=none again: ")


def test_without_a_baseline_the_command_is_for_the_arm_of_the_best_mean(folder, capsys):
    folder.compared("none", "l1", "l2", looks=(3,), margin=0.01)
    folder.trial(0, None, 0.5, arm="none", status="diverged")
    folder.arm("l1", [0.5, 0.541, 0.513])
    folder.arm("l2", [0.4, 0.439, 0.413])
    lines = shown(capsys, folder.root / "sweep").splitlines()
    assert any(line.startswith("To take: regularizer=l2.") for line in lines)
    assert any(line.startswith("to train regularizer=l2 again: ") for line in lines)
    assert lines[-1].startswith("wrote ")


def test_failed_and_diverged_trials_are_told_below_the_table(folder, capsys):
    folder.compared("none", "l1", budget={"n_trials": 3})
    folder.arm("none", [0.5, 0.541, 0.513])
    folder.arm("l1", [0.4, 0.439, 0.413])
    folder.trial(1, 1e-4, 0.5, status="failed")
    folder.trial(2, 1e-4, 0.5, status="diverged")
    assert "l1: of 3 trials 1 failed, 1 diverged" in shown(capsys, folder.root).splitlines()


def test_verdicts_are_broken_between_words_and_stay_indented():
    text = "Better than none:\n  " + " ".join(["l1-and-more"] * 10)
    head, *lines = _wrapped(text, 40).splitlines()
    assert head == "Better than none:"
    assert [line[:5] for line in lines] == ["  l1-", *["    l"] * (len(lines) - 1)]
    assert max(map(len, lines)) <= 40
    assert " ".join(" ".join(lines).split()) == " ".join(text.split()[3:])
