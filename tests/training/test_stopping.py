"""Early stopping: by one half of the validation rows, judged by the other, at its best epoch."""

import copy
import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch.nn.functional import cross_entropy

from regsweep.data.dataset import Dataset, Examples, scale
from regsweep.errors import InputError
from regsweep.settings.data import Published
from regsweep.settings.model import MLP, Linear
from regsweep.settings.optimizer import SGD, Adam
from regsweep.settings.regularizer import Coefficients, EarlyStopping, NoRegularizer
from regsweep.training.network import build_network
from regsweep.training.pack import numerics, train_pack
from tests.training.plain_loop import plain_epochs
from tests.training.test_pack import CPU, DIVERGING, assert_same_result, make_run

# Enough for a small network to learn 300 digits by heart.
EPOCHS = 20
# What rounding makes of so many steps.
TOLERANCE = 5e-3


def stopping_run(patience=2, seed=0, lr=1e-2, **settings):
    model = settings.pop("model", MLP((16,)))
    usual = {"epochs": EPOCHS, "batch_size": 30}
    return make_run(seed, EarlyStopping(patience), model, Adam(lr), **usual | settings)


def loss_on(network, examples):
    with torch.no_grad():
        return cross_entropy(network(scale(examples.inputs)), examples.targets).item()


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_run_is_the_plain_loop_that_keeps_its_best_network(digits, norm):
    run = stopping_run(model=MLP((16,), "relu", norm))
    stops = digits.validation.at(digits.stopping)
    judges = digits.validation.at(~digits.stopping)
    losses, judged, best = [], [], None
    with numerics("highest"):
        for network in plain_epochs(run, digits):
            losses.append(loss_on(network, stops))
            judged.append(loss_on(network, judges))
            if losses[-1] == min(losses):
                best = copy.deepcopy(network)
            if len(losses) - losses.index(min(losses)) > 2:
                break

    [result] = train_pack([run], digits, CPU, alone=True)

    assert result.status == "completed"
    assert [epoch.stopping_loss for epoch in result.history] == pytest.approx(losses, rel=TOLERANCE)
    assert [epoch.val_loss for epoch in result.history] == pytest.approx(judged, rel=TOLERANCE)
    number = losses.index(min(losses)) + 1
    assert result.metrics["best_epoch"] == number
    assert 1 < number < len(losses) == number + 2 < EPOCHS
    assert result.metrics["val_loss"] == result.history[number - 1].val_loss
    assert result.metrics["val_accuracy"] == result.history[number - 1].val_score
    for part in (digits.train, digits.test):
        name = "train_loss" if part is digits.train else "test_loss"
        assert result.metrics[name] == pytest.approx(loss_on(best, part), rel=TOLERANCE)
    saved = build_network(run.model, digits.shape, digits.outputs)
    saved.load_state_dict(result.weights)
    assert loss_on(saved.eval(), digits.test) == pytest.approx(result.metrics["test_loss"])


def test_a_run_is_the_same_alone_and_beside_runs_that_stop_earlier_later_or_diverge(digits):
    runs = [
        stopping_run(2),
        stopping_run(1),
        stopping_run(EPOCHS, seed=1),
        stopping_run(2, seed=1, lr=3e-2),
        replace(stopping_run(2, seed=2), optimizer=DIVERGING),
        stopping_run(3, seed=0, lr=3e-3),
    ]
    alone = [train_pack([run], digits, CPU)[0] for run in runs]
    told = []

    together = train_pack(runs, digits, CPU, on_epoch=lambda i, epoch: told.append((i, epoch)))

    trained = [len(result.history) for result in alone]
    assert trained[4] == 1
    assert trained[2] == EPOCHS
    assert len({*trained}) >= 4
    for i, (one, other) in enumerate(zip(together, alone, strict=True)):
        if other.status == "completed":
            assert_same_result(one, other)
        assert one.status == other.status
        assert tuple(epoch for whose, epoch in told if whose == i) == one.history
    assert alone[4].status == "diverged"


def test_a_pack_ends_when_all_of_it_have_stopped(digits, monkeypatch):
    runs = [stopping_run(1, epochs=60), stopping_run(2, epochs=60)]
    trained = []
    monkeypatch.setattr(
        "regsweep.training.pack.epoch_rates", lambda runs, epoch, steps: trained.append(epoch)
    )

    results = train_pack(runs, digits, CPU)

    longest = max(len(result.history) for result in results)
    assert trained == list(range(1, longest + 1))
    assert longest < 60


@dataclass(frozen=True)
class Patient(NoRegularizer):
    """A run that shares its pack with runs that stop early, and does not."""

    def coefficients(self):
        return Coefficients(patience=math.inf)


def test_a_patience_of_infinity_trains_as_none_and_is_judged_by_the_same_rows(digits):
    def run(regularizer):
        return replace(stopping_run(1), regularizer=regularizer)

    mine, other = train_pack([run(Patient("weights")), stopping_run(1)], digits, CPU)

    judged = replace(digits, validation=digits.validation.at(~digits.stopping))
    [none] = train_pack([run(NoRegularizer("weights"))], judged, CPU)
    assert_same_result(mine, none)
    assert len(other.history) < len(none.history)


def test_a_run_that_diverges_while_it_waits_has_diverged():
    """Its best epoch was finite; that a loss is not says that the settings are bad."""
    generator = torch.Generator().manual_seed(0)
    part = Examples(torch.randn(64, 3, generator=generator), torch.randn(64, 1))
    data = Dataset(part, part, None, 1, "regression", torch.arange(64) % 2 == 1)
    run = replace(stopping_run(5, model=Linear()), optimizer=SGD(100.0, 0.0))

    [result] = train_pack([run], data, CPU)

    first, *_, last = result.history
    assert math.isfinite(first.val_loss + first.stopping_loss)
    assert not math.isfinite(last.train_loss + last.val_loss)
    assert result.status == "diverged"
    assert result.metrics == {}


@pytest.mark.parametrize("size", [0, 1])
def test_without_two_halves_it_is_refused(size):
    data = Published("mnist", "unused", train_size=300, validation_size=size, split_seed=0)

    with pytest.raises(InputError) as caught:
        replace(stopping_run(), data=data)

    assert str(caught.value) == (
        f"data.validation_size={size}: expected rows enough for two halves (of data.group, if any, "
        "whole groups): early stopping stops by the one and is judged by the other"
    )
