"""The compare sweeper as a user has it: real processes on real MNIST."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from random import Random

import optuna
import pytest
from command import command, only_folder
from killed_sweep import finish, kill_after, kill_at, seconds_at_work
from optuna.trial import TrialState

from regsweep.records.folder import hold
from regsweep.records.record import read

QUICK = ("trainer.epochs=1", "data.train_size=500", "data.validation_size=500")
SMALL = (
    "hydra.sweeper.n_trials=3",
    "hydra.sweeper.n_jobs=4",
    "hydra.sweeper.confirm_seeds=2",
    "hydra.sweeper.max_confirm_seeds=2",
)


def csv_rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def sweep(*arguments, cwd, **kwargs):
    """One worker, which is one less to start: the results are the same."""
    stock = any(argument.startswith("hydra/launcher=") for argument in arguments)
    workers = () if stock else ("hydra.launcher.workers=1",)
    return command("-m", *QUICK, *SMALL, *workers, *arguments, cwd=cwd, **kwargs)


def records_in(folder):
    return {
        path.parent.relative_to(folder).as_posix(): read(path)
        for path in sorted(folder.rglob("record.json"))
    }


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A finished sweep of two regularizers and two models, and what it said."""
    here = tmp_path_factory.mktemp("compared")
    (here / ".git").mkdir()
    (here / ".git" / "HEAD").write_text(f"{'a1' * 20}\n")
    arms = ("regularizer=none,l1", "model=mlp,logistic")
    interval = "regularizer.weight=interval(1e-5,1e-3)"
    asked = ("seed=3", "hydra.sweeper.replicates=2", "hydra.launcher.workers=2")
    done = sweep(*arms, interval, *asked, cwd=here)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return only_folder(here / "multirun"), done.stdout


def test_every_arm_gets_the_same_search_and_fresh_seeds(compared):
    folder, _ = compared
    records = records_in(folder)
    arms = [{"regularizer": r, "model": m} for r in ("none", "l1") for m in ("mlp", "logistic")]

    search = Counter((str(r.arm), r.trial, r.seed) for r in records.values() if r.stage == "search")
    trials = {"none": 1, "l1": 3}
    assert search == Counter(
        (str(arm), trial, seed)
        for arm in arms
        for trial in range(trials[arm["regularizer"]])
        for seed in (3, 4)
    )
    confirm = Counter((str(r.arm), r.seed) for r in records.values() if r.stage == "confirm")
    assert confirm == Counter((str(arm), seed) for arm in arms for seed in (10003, 10004))
    assert all(name == r.run for name, r in records.items())


def test_every_record_says_when_its_training_began_and_at_which_commit(compared):
    records = records_in(compared[0]).values()
    assert {record.git for record in records} == {"a1" * 20}
    began = {
        stage: [datetime.fromisoformat(r.started) for r in records if r.stage == stage]
        for stage in ("search", "confirm")
    }
    assert all(time.utcoffset() == timedelta(0) for time in began["search"])
    assert max(began["search"]) < min(began["confirm"])
    # A pack has begun before the runs that it holds are published, one by one.
    assert len(set(began["search"])) < len(began["search"])


def test_the_search_never_sees_a_test_image(compared):
    folder, _ = compared
    for name, record in records_in(folder).items():
        confirmed = record.stage == "confirm"
        assert ("test_loss" in record.metrics) == confirmed
        for kept in ("weights.safetensors", "test_losses.npy"):
            assert (folder / name / kept).exists() == confirmed
        assert (folder / name / ".hydra" / "config.yaml").exists()
        assert (folder / name / "history.csv").exists()
        assert "train loss" in (folder / name / "regsweep.log").read_text()


def test_the_winner_is_the_best_trial_and_its_overrides_repeat_what_is_reported(compared, tmp_path):
    folder, said = compared
    records = records_in(folder)
    for row in csv_rows(folder / "comparison.csv"):
        own = [
            r
            for r in records.values()
            if row["arm"] == " ".join(f"{k}={v}" for k, v in r.arm.items())
        ]
        trials = {}
        for record in own:
            if record.stage == "search":
                trials.setdefault(record.trial, []).append(record.metrics["val_loss"])
        best = min(trials, key=lambda trial: sum(trials[trial]) / 2)
        confirmed = [r for r in own if r.stage == "confirm"]
        assert {r.trial for r in confirmed} == {best}
        losses = [r.metrics["test_loss"] for r in confirmed]
        assert float(row["test_loss_mean"]) == pytest.approx(sum(losses) / 2, rel=1e-12)
        assert (row["trials"], row["seeds"], row["metric"]) == (str(len(trials)), "2", "test_loss")

    # A line a baseline that has an arm to take.
    line, *_ = (line for line in said.splitlines() if line.startswith("to train "))
    overrides = shlex.split(line.partition("regsweep ")[2])
    # How the sweep computed is part of the command.
    again = command(*overrides, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    [alone] = records_in(tmp_path).values()
    chosen = ("seed", "model.name", "regularizer.name")
    [same] = [
        record
        for record in records.values()
        if record.stage == "confirm" and all(record.config[k] == alone.config[k] for k in chosen)
    ]
    assert alone.metrics == same.metrics


def test_what_it_says_before_while_and_after(compared):
    folder, said = compared
    assert "search: 8 trials on 2 seeds (3 to 4), 4 a round, 2 rounds, by val_loss" in said
    assert "confirm: each arm's winner on 2 seeds (10003 to 10004), against the arm of" in said
    assert "24 runs of 1 epochs, on cpu, eager: " in said
    assert (
        "regularizer.weight=interval(1e-5,1e-3) does not hold for none, mlp, which has no such key"
    ) in said
    assert "search: loading and training 8 runs   0/24 runs in 0:0" in said
    assert "search: 4/8 trials   best val_loss " in said
    assert "search: 8/8 trials   best val_loss " in said
    assert "confirm: training 8 runs   16/24 runs in 0:" in said
    assert "confirm: done   24/24 runs in 0:" in said
    assert " left, confirm included" in said
    for name in ("runs.csv", "comparison.csv", "report.html", "columns.csv"):
        assert f"wrote {folder.relative_to(folder.parents[2])}/{name}" in said
    assert "optuna" not in said.lower()
    assert " packs" not in said


def test_sweep_json_says_what_was_asked_and_settled(compared):
    folder, _ = compared
    asked = json.loads((folder / "sweep.json").read_text())

    assert asked["sweeper"] == "compare"
    assert len(asked["arms"]) == 4
    assert asked["budget"] == {
        "n_trials": 3, "n_jobs": 4, "replicates": 2, "finalists": 1, "finalist_seeds": 5,
        "confirm_seeds": 2, "max_confirm_seeds": 2, "max_failure_rate": 1.0,
    }  # fmt: skip
    assert asked["seeds"] == {"search": [3, 4], "confirm": [10003, 10004]}
    assert asked["baseline"] is None  # one for all there is not
    assert (
        asked["baselines"] == ["regularizer=none model=mlp", "regularizer=none model=logistic"] * 2
    )
    assert asked["spaces"][2] == {"regularizer.weight": "interval(1e-5,1e-3)"}
    assert asked["settled"]["mode"] == "eager"
    assert asked["settled"]["pack_width"] == 4


def test_optuna_has_a_study_an_arm(compared):
    folder, _ = compared
    storage = f"sqlite:///{folder}/optuna.db"
    found = {s.study_name: s.n_trials for s in optuna.get_all_study_summaries(storage)}

    assert found == {
        "regularizer=none model=mlp": 1, "regularizer=none model=logistic": 1,
        "regularizer=l1 model=mlp": 3, "regularizer=l1 model=logistic": 3,
    }  # fmt: skip
    study = optuna.load_study(study_name="regularizer=l1 model=mlp", storage=storage)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_the_report_command_makes_the_same_files_again(compared, tmp_path):
    folder, _ = compared
    done = command(str(folder), "--out", "out", module="regsweep.report", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    for name in ("runs.csv", "comparison.csv", "report.html", "columns.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.full
def test_a_stock_launcher_gives_the_same_comparison(tmp_path):
    for launcher in ("pack", "joblib"):  # both with a process a core
        done = sweep("regularizer=none,l2", f"hydra/launcher={launcher}",
                     f"hydra.sweep.dir={launcher}", cwd=tmp_path)  # fmt: skip
        assert done.returncode == 0, done.stderr
    ours, theirs = (
        (tmp_path / name / "comparison.csv").read_bytes() for name in ("pack", "joblib")
    )
    assert ours == theirs


@pytest.fixture(scope="module")
def unconfirmed(tmp_path_factory):
    """What a sweep that confirms nothing and logs nothing left behind, and what it said."""
    here = tmp_path_factory.mktemp("unconfirmed")
    unlogged = ("hydra/hydra_logging=disabled", "hydra/job_logging=disabled")
    done = sweep("regularizer=none,l1", "hydra.sweeper.confirm_seeds=0", *unlogged, cwd=here)
    assert (done.returncode, done.stderr) == (0, "")
    return here, done.stdout


def test_nothing_to_confirm_is_said(unconfirmed):
    _, said = unconfirmed

    assert "confirm: none (hydra.sweeper.confirm_seeds=0)" in said
    assert "does not say whether a difference is real" in said
    assert "ranks no arms" not in said


def test_who_wants_no_log_has_none(unconfirmed):
    here, said = unconfirmed

    assert len([*here.rglob("record.json")]) == 4
    assert [*here.rglob("*.log")] == []
    assert "[HYDRA]" not in said
    assert "/comparison.csv" in said


# Where a kill has its own consequences: module, owner, name, and which call.
POINTS = {
    "after training, before publishing": ("regsweep.packs.publishing", "Publisher", "publish", 1),
    "within a publishing": ("os", "", "replace", 3),
    "before telling": ("regsweep.compare.studies", "Studies", "tell", 5),
    "during confirm": ("regsweep.packs.publishing", "Publisher", "publish", 14),
}
BETWEEN_TWO_PUBLISHINGS = ("regsweep.packs.publishing", "Publisher", "publish", 7)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untouched") / "sweep"
    return finish(folder), seconds_at_work(folder)


@pytest.mark.parametrize(
    "point",
    [
        point if point == "during confirm" else pytest.param(point, marks=pytest.mark.full)
        for point in POINTS
    ],
)
def test_a_sweep_killed_at_this_point_and_resumed_ends_as_one_never_touched(
    point, tmp_path, untouched
):
    folder = tmp_path / "sweep"
    kill_at(folder, *POINTS[point])

    assert finish(folder) == untouched[0]


def test_a_sweep_that_lost_its_own_files_and_a_record_ends_as_one_never_touched(
    tmp_path, untouched
):
    folder = tmp_path / "sweep"
    kill_at(folder, *BETWEEN_TWO_PUBLISHINGS)
    (folder / "optuna.db").unlink()
    first, second, *_ = sorted(folder.glob("search/*/*/record.json"))
    first.write_text(first.read_text()[:100])
    second.unlink()
    os.mkfifo(second)
    lost = folder / "sweep.json"
    before = json.loads(lost.read_text())
    lost.write_text(lost.read_text()[:100])

    assert finish(folder) == untouched[0]
    for path in (first, second, lost):
        assert path.with_name(f"{path.name}.damaged-1").exists()
    assert json.loads(lost.read_text()) == before


# `python tests/killed_sweep.py 50` does so 50 times.
@pytest.mark.full
@pytest.mark.parametrize("moment", [0, 1])
def test_a_sweep_killed_at_any_moment_and_resumed_ends_as_one_never_touched(
    moment, tmp_path, untouched
):
    table, seconds = untouched
    folder, after = tmp_path / "sweep", Random(moment).uniform(0, seconds)
    kill_after(folder, after)

    assert finish(folder) == table, f"killed after {after} s"


LONG = (
    "regularizer=none,l1,l2",
    "trainer.epochs=10",
    "data.train_size=5000",
    "hydra.sweep.dir=here",
)


def running(tmp_path):
    """A sweep that has published some of its runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "regsweep", "-m", *SMALL, *QUICK, *LONG],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    assert any("search: 4/" in line for line in process.stdout)
    return process


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.full)],
)
def test_a_signal_keeps_what_is_published_and_says_how_to_go_on(tmp_path, sent, code):
    process = running(tmp_path)
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    _, errors = process.communicate(timeout=5)

    assert process.returncode == code
    *_, how = errors.splitlines()
    assert "Traceback" not in errors
    assert "what is published is kept; to go on:" in errors
    published = set(records_in(tmp_path / "here"))
    assert len(published) >= 4

    words = shlex.split(how)
    assert words[-1] == "hydra.sweep.dir=here"
    if sent == signal.SIGTERM:
        return  # what both leave behind is the same, and so is going on
    again = command(*words[words.index("regsweep") + 1 :], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert published < set(records_in(tmp_path / "here"))


# A file of the user's, which is interrupted, once, when the report is to take its place.
INTERRUPTED = """
import os
import signal
from pathlib import Path

import regsweep

replace = os.replace

def interrupted(source, target):
    if Path(target).name == "report.html" and not Path("interrupted").exists():
        Path("interrupted").touch()
        os.kill(os.getpid(), signal.SIGINT)
    replace(source, target)

if __name__ == "__main__":
    os.replace = interrupted
    regsweep.main()
"""


@pytest.mark.full
def test_an_interrupt_while_the_report_is_written_says_how_to_go_on_too(tmp_path):
    (tmp_path / "mine.py").write_text(INTERRUPTED)
    one = ("regularizer=none", "hydra.sweeper.confirm_seeds=0", "hydra.sweep.dir=here")
    done = subprocess.run(
        [sys.executable, "mine.py", "-m", *QUICK, *one, "hydra.launcher.workers=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        check=False,
    )

    said, kept, resume = done.stderr.splitlines()
    assert (done.returncode, said) == (130, "regsweep: interrupted")
    assert kept == "what is published is kept; to go on:"
    assert not list(tmp_path.glob("here/report.html"))
    before = records_in(tmp_path / "here")
    assert len(before) == 1

    again = subprocess.run(shlex.split(resume), cwd=tmp_path, capture_output=True, check=False)
    assert (again.returncode, again.stderr) == (0, b"")
    assert (tmp_path / "here" / "report.html").exists()
    assert records_in(tmp_path / "here") == before
    assert not list(tmp_path.glob("here/.*.tmp"))


def test_a_second_sweep_on_the_folder_is_refused(tmp_path):
    with hold("hydra.sweep.dir", tmp_path / "here"):
        second = sweep("regularizer=l1", "hydra.sweep.dir=here", cwd=tmp_path)

    assert second.returncode == 1
    assert second.stderr.startswith(f"regsweep: hydra.sweep.dir=here: pid {os.getpid()} on ")
    assert second.stderr.count("\n") == 1


@pytest.mark.full
def test_a_folder_of_a_stock_sweeper_is_refused(tmp_path):
    stock = ("-m", "regularizer=l1", "hydra.sweep.dir=here", *QUICK)
    assert command(*stock, "hydra/sweeper=basic", cwd=tmp_path).returncode == 0

    refused = command(*stock, cwd=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr == (
        "regsweep: here: a sweep of hydra/sweeper=basic was made here; "
        "take another hydra.sweep.dir\n"
    )


def test_a_stock_sweeper_is_refused_the_folder_of_a_comparison(compared, tmp_path):
    folder, _ = compared
    asked = ("regularizer=l1", f"hydra.sweep.dir={folder}", "hydra/sweeper=optuna")
    refused = command("-m", *QUICK, *asked, cwd=tmp_path)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"regsweep: {folder}: the folder already holds a record; choose another\n"
    )
