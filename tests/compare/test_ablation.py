"""Of a cocktail's winner every ingredient that is on is taken out, and that is confirmed too."""

import io
import json

import pytest
from rich.console import Console

from regsweep.cli.app import for_the_arms
from regsweep.compare.live import show_plan
from regsweep.compare.plan import Place, Slot
from regsweep.compare.stages import next_look
from regsweep.errors import InputError
from regsweep.settings.regularizer import INGREDIENTS
from tests.compare.test_ledger import ledger, publish_at  # noqa: F401
from tests.compare.test_sweeper_scenarios import records, rows, swept  # noqa: F401

ABLATE = "hydra.sweeper.ablate=true"
TWO_LOOKS = ("hydra.sweeper.confirm_seeds=2", "hydra.sweeper.max_confirm_seeds=4")
L1, DROPOUT, MIXUP = (f"regularizer.{name}" for name in ("l1", "dropout", "mixup"))
OTHERS = [one.key for one in INGREDIENTS if one.key not in (L1, DROPOUT, MIXUP)]
FIXED = (*(f"{key}=null" for key in OTHERS), f"{L1}=0.001")
ARMS = "regularizer=none,cocktail"
WINNER = Slot(1, 0)


def given(*overrides):
    """What a command line is made into, whose keys not all arms have."""
    return for_the_arms(["-m", *overrides])[1:]


@pytest.fixture
def searched(ledger):  # noqa: F811
    """A finished search: of the cocktail one trial, with dropout, and l1, which is fixed."""
    one = ledger(*given(ARMS, *FIXED, ABLATE, *TWO_LOOKS))
    publish_at(one, Place("search", Slot(0, 0), 0), 0.5)
    won = {L1: 0.001, DROPOUT: 0.5, MIXUP: None}
    drawn = [f"{DROPOUT}=0.5", f"{MIXUP}=null"]
    arm = one.plan.arms[1]
    publish_at(one, Place("search", WINNER, 0), overrides=(*arm.overrides, *drawn), config=won)
    return one


def confirm(one, slot, losses, start=0, without=None):
    for seed, loss in enumerate(losses, start=10000 + start):
        metrics = {"val_loss": 0.5, "val_accuracy": 0.9, "test_loss": loss, "test_accuracy": 0.9}
        publish_at(one, Place("confirm", slot, seed, without=without), metrics=metrics)


def wanted(one):
    return [(p.slot.arm, p.without, p.seed - 10000, p.role) for p in next_look(one.plan, one)]


def test_what_some_trial_may_have_on_is_planned(planned):
    plan, _ = planned(*given(ARMS, *FIXED, ABLATE))
    assert plan.ablated == ((), (L1, DROPOUT, MIXUP))
    assert plan.most_confirm_runs == (2 + 3) * 40
    assert plan.confirm_runs == 20
    plan, _ = planned(*given(ARMS, *FIXED))
    assert plan.ablated == ((), ())


def test_what_is_on_in_the_winner_is_taken_out(searched):
    assert searched.ingredients(1) == (L1, DROPOUT)
    assert searched.ingredients(0) == ()
    assert wanted(searched) == [
        (arm, without, seed, role)
        for seed in range(2)
        for arm, without, role in (
            *((0, None, "winner"), (1, None, "winner")),
            *((1, L1, "ablation"), (1, DROPOUT, "ablation")),
        )
    ]


def test_each_has_the_seeds_of_the_winner_until_it_is_decided(searched):
    confirm(searched, Slot(0, 0), [1.0, 1.1])
    confirm(searched, WINNER, [0.9, 1.2])  # undecided against none, so it goes on
    confirm(searched, WINNER, [5.0, 5.3000001], without=L1)  # worse by 4.1 at every seed
    # A look waits for all of them, also where it was cut off.
    assert {(without, seed) for arm, without, seed, _ in wanted(searched) if arm == 1} == {
        (None, 2), (None, 3), (DROPOUT, 0), (DROPOUT, 1),
    }  # fmt: skip
    confirm(searched, WINNER, [0.9, 1.3], without=DROPOUT)
    assert {(without, seed) for arm, without, seed, _ in wanted(searched) if arm == 1} == {
        (None, 2), (None, 3), (DROPOUT, 2), (DROPOUT, 3),
    }  # fmt: skip


def test_they_end_with_the_winner(searched):
    confirm(searched, Slot(0, 0), [1.0, 1.1])
    confirm(searched, WINNER, [0.5, 0.6])
    confirm(searched, WINNER, [0.5, 0.7], without=DROPOUT)
    assert wanted(searched) == [(1, L1, seed, "ablation") for seed in range(2)]
    confirm(searched, WINNER, [0.5, 0.7], without=L1)
    assert wanted(searched) == []


def test_none_is_made_of_a_winner_that_broke_off(searched):
    confirm(searched, Slot(0, 0), [1.0, 1.1])
    confirm(searched, WINNER, [0.5])
    publish_at(searched, Place("confirm", WINNER, 10001), status="diverged")
    assert {without for _, without, _, _ in wanted(searched)} == set()


def test_its_job_is_the_winners_but_for_the_ingredient(planned):
    plan, _ = planned(*given(ARMS, *FIXED, ABLATE))
    drawn = [f"{DROPOUT}=0.5", f"{MIXUP}=null"]
    whole, *others = (
        Place("confirm", WINNER, 10000, "ablation" if key else "winner", key)
        for key in (None, L1, DROPOUT)
    )
    assert len({plan.folder(place) for place in (whole, *others)}) == 3
    assert plan.folder(others[0]) == "confirm/regularizer=cocktail/0-10000-without-l1"
    own = set(plan.overrides(whole, drawn))
    for place, was in zip(others, (f"{L1}=0.001", f"{DROPOUT}=0.5"), strict=True):
        lines = plan.overrides(place, drawn)
        assert own - set(lines) == {was, *(x for x in own if "subdir" in x)}
        assert set(lines) - own >= {f"{place.without}=null", "run.role=ablation"}
        assert len({line.partition("=")[0] for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (("regularizer=none,l1",), "or regularizer=cocktail among the arms"),
        ((ARMS, "hydra.sweeper.confirm_seeds=0"), "or a hydra.sweeper.confirm_seeds above 0"),
        (
            (ARMS, *(f"{one.key}=null" for one in INGREDIENTS)),
            "or regularizer=cocktail among the arms",
        ),
    ],
)
def test_without_anything_to_take_out_it_is_refused(planned, overrides, expected):
    with pytest.raises(InputError, match=rf"hydra.sweeper.ablate=True: expected false, {expected}"):
        planned(*given(*overrides, ABLATE))


def test_the_plan_says_so(planned, tmp_path):
    plan, _ = planned(ARMS, ABLATE)
    out = io.StringIO()
    show_plan(plan, [{}, {}], "", "cpu", 1000, tmp_path, Console(file=out, width=100))
    assert "; of cocktail also the winner without each ingredient" in out.getvalue()


def test_a_sweep_that_ablates_goes_on_as_it_would_have(swept, tmp_path):  # noqa: F811
    asked = (ARMS, *FIXED, f"{DROPOUT}=tag(or_null,interval(0.3,0.6))", f"{MIXUP}=null", ABLATE)
    swept(*asked, "hydra.sweeper.sampler.seed=1")
    folder = tmp_path / "here"
    whole = (folder / "comparison.csv").read_bytes()
    found = rows(tmp_path)
    cocktail = found["regularizer=cocktail"]
    on = [L1] + [DROPOUT] * (cocktail[DROPOUT] != "null")
    names = [f"regularizer=cocktail without {key.rpartition('.')[2]}" for key in on]
    assert [name for name in found if "without" in name] == names
    made = [one for one in records(tmp_path, "confirm") if one.role == "ablation"]
    assert len(made) == 2 * len(on)
    winners = [one for one in records(tmp_path, "confirm") if one.role == "winner"]
    won = {one.seed: one for one in winners if one.arm == {"regularizer": "cocktail"}}
    for one in made:
        assert (one.arm, one.trial) == ({"regularizer": "cocktail"}, int(cocktail["trial"]))
        config = won[one.seed].config
        differing = {k for k, v in one.config.items() if v != config[k]} - {"run.role", "run.trial"}
        assert len(differing & set(on)) == 1
    for name in names:
        row = found[name]
        assert (row["baseline"], row["seeds"]) == ("regularizer=cocktail", "2")
        assert row["verdict"]
        assert row["test_loss_mean"] != cocktail["test_loss_mean"]
    assert json.loads((folder / "sweep.json").read_text())["ablated"] == [[], [L1, DROPOUT]]

    gone = next(folder.glob("confirm/*/*-10001-without-l1/record.json"))
    gone.unlink()
    swept(*asked, "hydra.sweeper.sampler.seed=1")
    assert gone.exists()
    assert (folder / "comparison.csv").read_bytes() == whole
