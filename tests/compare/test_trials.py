"""How many trials each arm is asked for."""

import io

import pytest
from composed import checked_sweep
from rich.console import Console

from regsweep.compare.live import show_plan
from regsweep.compare.trials import trials_asked
from regsweep.errors import InputError


@pytest.fixture(scope="module")
def arms():
    _, sweep = checked_sweep("regularizer=none,l1,cocktail", "model=mlp,linear")
    return sweep.arms


def by_name(n_trials, arms):
    return {
        arm.name: n for arm, n in zip(arms, trials_asked(n_trials, arms), strict=True) if arm.space
    }


@pytest.mark.parametrize(
    ("n_trials", "l1", "cocktail"),
    [
        (20, 20, 20),
        ({"cocktail": 100, "others": 20}, 20, 100),
        ({"cocktail": 100, "l1": 7}, 7, 100),
        ({"mlp": 5, "linear": 5}, 5, 5),
        ({"others": 3}, 3, 3),
    ],
)
def test_a_choice_names_every_arm_that_has_it(arms, n_trials, l1, cocktail):
    assert by_name(n_trials, arms) == {
        f"regularizer={choice} model={model}": n
        for choice, n in (("l1", l1), ("cocktail", cocktail))
        for model in ("mlp", "linear")
    }


def test_a_whole_name_names_one(arms):
    name = "regularizer=l1 model=mlp"

    found = by_name({name: 9, "others": 4}, arms)

    assert found.pop(name) == 9
    assert set(found.values()) == {4}


@pytest.mark.parametrize(
    ("n_trials", "message"),
    [
        (
            {"coktail": 50, "others": 20},
            ".coktail: no such arm; did you mean cocktail? known: cocktail, l1, linear, mlp, none, "
            "others, regularizer=cocktail model=linear, regularizer=cocktail model=mlp, "
            "regularizer=l1 model=linear, regularizer=l1 model=mlp, "
            "regularizer=none model=linear, regularizer=none model=mlp",
        ),
        (
            {"cocktail": 50},
            ": no number for regularizer=l1 model=mlp; name it, or give others one",
        ),
        (
            {"l1": 50, "mlp": 20, "others": 1},
            ": l1 and mlp both name regularizer=l1 model=mlp; name it once",
        ),
        ({"others": 0}, ".others=0: expected a whole number, 1 or above"),
        ({"others": 2.5}, ".others=2.5: expected a whole number"),
        ({"others": None}, ".others=None: expected a whole number"),
    ],
)
def test_one_message_where_it_names_no_arm_or_too_many(arms, n_trials, message):
    with pytest.raises(InputError) as caught:
        trials_asked(n_trials, arms)

    assert str(caught.value) == f"hydra.sweeper.n_trials{message}"


SWEEP = ("regularizer=none,l1,cocktail", "hydra.sweeper.n_trials={cocktail:3,others:2}")


def test_the_plan_says_that_budgets_differ(planned, tmp_path):
    plan, _ = planned(*SWEEP)
    console = Console(file=io.StringIO(), width=100)

    show_plan(plan, [{}] * 3, "of 10 epochs", "cpu", None, tmp_path, console)

    assert plan.trials == (1, 2, 3)
    assert plan.budget.n_trials is None
    shown = console.file.getvalue()
    assert "budgets differ: 3 trials for cocktail, 2 for l1\n" in shown
    assert "search: 6 trials" in shown


def test_more_trials_for_the_arm_that_has_most_add_rounds_behind(planned):
    short, _ = planned(*SWEEP, "hydra.sweeper.n_jobs=4")
    long, _ = planned(
        SWEEP[0], "hydra.sweeper.n_trials={cocktail:9,others:2}", "hydra.sweeper.n_jobs=4"
    )

    slots = [slot for one in short.rounds() for slot in one]
    assert [slot for one in long.rounds() for slot in one][: len(slots)] == slots
