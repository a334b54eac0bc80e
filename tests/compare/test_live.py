import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from regsweep.compare.live import View, show_plan
from regsweep.compare.plan import Place, Slot
from regsweep.records.task import R2


@pytest.fixture
def clocked(monkeypatch):
    """Sets the time that the view reads; in seconds."""
    time = SimpleNamespace(now=0.0)
    monkeypatch.setattr("regsweep.compare.live.time.monotonic", lambda: time.now)

    def at(seconds):
        time.now = float(seconds)

    return at


def opened(plan, folder, width=80, at_once=4):
    return View(plan, folder, Console(file=io.StringIO(), width=width), at_once)


def shown(view, width=80):
    out = io.StringIO()
    Console(file=out, width=width).print(view._table())
    lines = out.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return [" ".join(line.split()) for line in lines if line.strip()]


def end(view, *places):
    """What the jobs of ``places`` leave behind."""
    for place in places:
        folder = view.directory / view.plan.folder(place)
        folder.mkdir(parents=True)
        (folder / "record.json").touch()
    view._look()


def test_a_line_an_arm_says_how_far_it_is(planned, tmp_path):
    plan, _ = planned(
        "regularizer=none,l1", "hydra.sweeper.confirm_seeds=3", "hydra.sweeper.max_confirm_seeds=3"
    )
    view = opened(plan, tmp_path)
    view.lines[1].ended, view.lines[1].best, view.lines[1].overrides = 4, 0.125, "weight=0.001"
    table = shown(view)
    assert table[0] == "start: reading records, asking for trials"
    assert table[-2:] == ["none 0/1", "l1 4/20 0.1250 weight=0.001"]

    places = [Place("confirm", Slot(1, 0), seed) for seed in (10001, 10002)]
    view.launched(places, left=2)
    end(view, places[0])

    assert (view.ended, view.left) == (1, 1)
    assert shown(view)[-1] == "l1 4/20 0.1250 weight=0.001 2/3"


def test_the_confirm_stage_shows_its_look_and_how_many_arms_are_decided(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1,l2")
    view = opened(plan, tmp_path)
    assert not any("look" in line for line in shown(view))
    view.launched(
        [Place("confirm", Slot(arm, 0), 10000 + s) for arm in (0, 1) for s in range(10)], 9
    )
    assert "look 1 of 3, at 10 seeds: 0 of 2 arms decided" in shown(view)
    view.lines[1].verdict, view.lines[2].verdict = "undecided", "better"
    view.launched([Place("confirm", Slot(1, 0), 10000 + seed) for seed in range(10, 20)], 9)
    assert "look 2 of 3, at 20 seeds: 1 of 2 arms decided" in shown(view)


def progress(view, width=80):
    """What the view says it does, and how far it is."""
    view.console.width = width
    state, bar, *_ = shown(view, width)
    return state, bar.lstrip("━╸╺ ")


def test_it_says_at_once_what_it_does_and_what_is_left_once_that_is_known(
    planned, tmp_path, clocked, caplog
):
    caplog.set_level("INFO")
    plan, _ = planned("regularizer=l1", "hydra.sweeper.n_trials=8", "hydra.sweeper.n_jobs=4")
    view = opened(plan, tmp_path)
    clocked(2)
    assert progress(view) == ("start: reading records, asking for trials", "0/18 runs in 0:02")

    rounds = [[Place("search", slot, 0) for slot in slots] for slots in plan.rounds()]
    for number, places in enumerate(rounds):
        view.launched(places, left=18 - 4 * number)
        clocked(10 + 60 * number)
        loading = "" if number else "loading and "
        assert progress(view) == (
            f"search: {loading}training 4 runs", f"{4 * number}/18 runs in {number}:10",
        )  # fmt: skip
        end(view, *places[:1])
        assert progress(view)[0] == "search: training 4 runs"
        clocked(60 + 60 * number)
        end(view, *places[1:])

    assert progress(view)[1] == "8/18 runs in 2:00, about 2 min left, confirm included"
    places = [Place("confirm", Slot(0, 0), seed) for seed in plan.confirm_seeds[:10]]
    view.launched(places, left=10)
    assert progress(view) == (
        "confirm: training 10 runs", "8/18 runs in 2:00, about 2 min left",
    )  # fmt: skip
    assert progress(view, 50) == progress(view, 200) == progress(view)
    said = [record.message for record in caplog.records]
    assert said == [
        "search: loading and training 4 runs   0/18 runs in 0:02",
        "confirm: training 10 runs   8/18 runs in 2:00, about 2 min left",
    ]


def test_the_bar_is_as_full_as_the_sweep_is_done(planned, tmp_path):
    plan, _ = planned("regularizer=l1", "hydra.sweeper.n_trials=10")
    view = opened(plan, tmp_path, width=200)
    view.launched([Place("search", Slot(0, number), 0) for number in range(10)], left=20)

    for ended in (0, 10, 20):
        view.left = 20 - ended
        out = io.StringIO()
        Console(file=out, width=200, color_system="truecolor", force_terminal=True).print(
            view._bar()
        )
        [done] = re.findall(r"\x1b\[38;2;(?:249;38;114|114;156;31)m(━*)\x1b", out.getvalue()) or [
            ""
        ]
        assert len(done) == 2 * ended


def test_the_plan_says_what_will_be_done(planned, tmp_path):
    plan, _ = planned(
        "regularizer=none,l1", "regularizer.weight=choice(1e-3)", "hydra.sweeper.confirm_seeds=0"
    )
    out = io.StringIO()
    at_random = [{"optimizer.lr": "no lists"}, {"optimizer.lr": "no lists", "x": "no nulls"}]
    show_plan(plan, at_random, "of 10 epochs", "cpu", 20, tmp_path, Console(file=out, width=100))

    text = out.getvalue()
    assert "search: 2 trials on seed 0, 16 a round, 1 round, by val_loss" in text
    assert "confirm: none (hydra.sweeper.confirm_seeds=0)" in text
    assert "2 runs of 10 epochs, on cpu" in text
    assert "Undertrained: a run takes 20 steps" in text
    assert "regularizer.weight=1e-3 does not hold for none, which has no such key" in text
    assert "optimizer.lr is drawn at random for none; l1: no lists\n" in text
    assert "x is drawn at random for l1: no nulls\n" in text


def test_an_error_is_shown_in_percent_as_in_the_table(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1", "objective=val_error")
    view = opened(plan, tmp_path)
    view.lines[1].best = 0.03125

    assert shown(view)[-1] == "l1 0/20 3.12 %"


def test_errors_are_shown_as_the_score_is(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1", "objective=val_error")
    view = opened(plan, tmp_path)
    assert view._shown(0.125) == "12.50 %"
    view.score = R2
    assert view._shown(1.125) == "1.125"
