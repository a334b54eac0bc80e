"""The confirm stage of a sweep, look by look."""

import pytest

from regsweep.compare.plan import Place, Slot
from regsweep.compare.stages import next_look, seeds_to_go_on
from tests.compare.test_ledger import ledger, publish_at  # noqa: F401

LOOKS = ("hydra.sweeper.confirm_seeds=3", "hydra.sweeper.max_confirm_seeds=12")


def searched(one):
    """``one`` with a finished search, the first trial of each arm its winner."""
    for arm, trials in enumerate(one.plan.trials):
        for number in range(trials):
            publish_at(one, Place("search", Slot(arm, number), 0), 0.5 + number)
    return one


def confirm(one, arm, losses, start=0):
    for seed, loss in enumerate(losses, start=10000 + start):
        metrics = {"val_loss": 0.5, "val_accuracy": 0.9, "test_loss": loss, "test_accuracy": 0.9}
        publish_at(one, Place("confirm", Slot(arm, 0), seed), metrics=metrics)


def wanted(one):
    return [(place.slot.arm, place.seed - 10000) for place in next_look(one.plan, one)]


@pytest.fixture
def sweep(ledger):  # noqa: F811
    return searched(ledger(*LOOKS, "hydra.sweeper.margin=0.01"))


def test_the_first_look_confirms_every_winner(sweep):
    assert sweep.plan.looks == (3, 6, 12)
    assert wanted(sweep) == [(arm, seed) for seed in range(3) for arm in range(2)]

    confirm(sweep, 0, [1.0, 1.1])
    assert wanted(sweep) == [(1, 0), (1, 1), (0, 2), (1, 2)]


def test_an_arm_that_is_not_decided_gets_the_next_seeds_and_its_baseline_too(sweep):
    confirm(sweep, 0, [1.0, 1.1, 1.2])
    confirm(sweep, 1, [1.1, 1.0, 1.3])

    assert wanted(sweep) == [(arm, seed) for seed in range(3, 6) for arm in (1, 0)]


@pytest.mark.parametrize("losses", [[0.5, 0.6, 0.7], [1.0001, 1.1, 1.2]], ids=["better", "same"])
def test_an_arm_that_is_decided_stops(sweep, losses):
    confirm(sweep, 0, [1.0, 1.1, 1.2])
    confirm(sweep, 1, losses)

    assert wanted(sweep) == []
    assert seeds_to_go_on(sweep.plan, sweep) is None


def test_the_last_look_is_the_last_and_says_how_many_seeds_would_decide(sweep):
    confirm(sweep, 0, [1.0, 1.04] * 6)
    confirm(sweep, 1, [1.04, 1.0] * 6)

    assert wanted(sweep) == []
    # Differences of 0.04 up and down, a margin of 0.0102.
    assert 150 < seeds_to_go_on(sweep.plan, sweep) < 250


def test_without_confirm_seeds_there_is_no_look(ledger):  # noqa: F811
    one = searched(ledger("hydra.sweeper.confirm_seeds=0"))

    assert wanted(one) == []
