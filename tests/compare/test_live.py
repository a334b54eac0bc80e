import io

import pytest
from rich.console import Console

from regsweep.compare.live import Pace, View, _duration, show_plan
from regsweep.compare.plan import Place, Slot


def test_the_first_round_counts_until_a_second_has_ended_runs():
    pace = Pace(100.0)
    assert pace.runs_a_second is None

    pace.note(8, 120.0)
    assert pace.runs_a_second == 8 / 20

    pace.round_over()
    pace.note(8, 125.0)
    assert pace.runs_a_second == 8 / 20

    pace.note(16, 130.0)
    assert pace.runs_a_second == 8 / 10

    pace.round_over()
    pace.note(32, 150.0)
    assert pace.runs_a_second == 24 / 30


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")]
)
def test_durations_are_told_in_units_that_people_use(seconds, text):
    assert _duration(seconds) == text


def shown(view, width=100):
    out = io.StringIO()
    Console(file=out, width=width).print(view._table())
    return [" ".join(line.split()) for line in out.getvalue().splitlines() if line.strip()]


def test_a_line_an_arm_says_how_far_it_is(planned, tmp_path):
    plan, _ = planned("regularizer=none,l1", "hydra.sweeper.confirm_seeds=3")
    view = View(plan, tmp_path, Console(file=io.StringIO()))
    view.lines[1].ended, view.lines[1].best, view.lines[1].overrides = 4, 0.125, "weight=0.001"
    table = shown(view)
    assert table[0] == "search"
    assert table[-2:] == ["none 0/1", "l1 4/20 0.1250 weight=0.001"]

    places = [Place("confirm", Slot(1, 0), seed) for seed in (10001, 10002)]
    view.launched(places, left=2)
    folder = tmp_path / plan.folder(places[0])
    folder.mkdir(parents=True)
    (folder / "record.json").touch()
    view._look()

    assert (view.ended, view.left) == (1, 1)
    assert shown(view)[-1] == "l1 4/20 0.1250 weight=0.001 2/3"


def test_the_plan_says_what_will_be_done(planned, tmp_path):
    plan, _ = planned(
        "regularizer=none,l1", "regularizer.weight=choice(1e-3)", "hydra.sweeper.confirm_seeds=0"
    )
    out = io.StringIO()
    show_plan(plan, "of 10 epochs", "cpu", tmp_path, Console(file=out, width=100))

    text = out.getvalue()
    assert "search: 2 trials on seed 0, 16 a round, 1 round, by val_loss" in text
    assert "confirm: none (hydra.sweeper.confirm_seeds=0)" in text
    assert "2 runs of 10 epochs, on cpu" in text
    assert "regularizer.weight=1e-3 does not hold for none, which has no such key" in text
