import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from regsweep.data.dataset import scale
from regsweep.settings.data import Published
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.optimizer import SGD, Adam
from regsweep.settings.regularizer import L1, L2, Elastic, NoRegularizer, WeightDecay
from regsweep.settings.run import Run
from regsweep.settings.trainer import Trainer
from regsweep.training.network import build_network
from regsweep.training.pack import numerics, train_pack

CPU = torch.device("cpu")
ALL_FIVE = [
    NoRegularizer("weights"),
    L1(1e-3, "weights"),
    L2(1e-2, "all"),
    Elastic(1e-3, 0.5, "weights"),
    WeightDecay(1.0, True, "all"),
]
# Its weights overflow in the first steps.
DIVERGING = Adam(1e38)


def make_run(seed=0, regularizer=ALL_FIVE[0], model=None, optimizer=None, **trainer):
    settings = {
        "epochs": 2,
        "batch_size": 10,
        "device": "cpu",
        "compile": "auto",
        "matmul_precision": "highest",
    }
    return Run(
        seed=seed,
        objective="val_loss",
        data=Published("mnist", "unused", train_size=300, validation_size=100, split_seed=0),
        model=model or MLP((64, 32)),
        regularizer=regularizer,
        optimizer=optimizer or Adam(1e-3),
        trainer=Trainer(**settings | {"log_every": None} | trainer),
    )


def assert_same_result(one, other):
    assert one.status == other.status
    assert one.history == other.history
    assert one.metrics == other.metrics
    assert np.array_equal(one.test_losses, other.test_losses)
    for name, value in one.weights.items():
        assert torch.equal(value, other.weights[name])


@pytest.mark.parametrize(
    ("model", "batch_size"),
    [
        (MLP((64, 32)), 10),
        (MLP((64, 32)), 128),
        (MLP((17, 5, 3)), 1),
        (MLP((3, 2)), 128),
        (MLP((17, 5), "silu", "layer"), 5),
        (MLP((50,), "gelu", "layer"), 37),
        (MLP((64, 32), "tanh", "layer"), 10),
        (Linear(), 1),
        (Linear(), 10),
        (Linear(), 128),
    ],
    ids=str,
)
def test_a_run_is_the_same_at_every_width_and_place(digits, model, batch_size):
    def run(seed, regularizer, lr=1e-3):
        return make_run(seed, regularizer, model, Adam(lr), batch_size=batch_size, epochs=1)

    me = run(0, L1(1e-3, "weights"))
    [alone] = train_pack([me], digits, CPU)
    company = [run(i % 3, ALL_FIVE[i % 5], lr=1e-3 * (1 + i)) for i in range(15)]

    for width in (2, 5, 16):
        for place in (0, width - 1):
            pack = company[: width - 1]
            pack.insert(place, me)
            assert_same_result(train_pack(pack, digits, CPU)[place], alone)


def test_a_diverging_neighbour_changes_nothing(digits):
    me = make_run(regularizer=ALL_FIVE[1])
    sick = make_run(regularizer=L2(1.0, "all"), optimizer=DIVERGING)
    [alone] = train_pack([me], digits, CPU)

    first, between, last = train_pack([sick, me, sick], digits, CPU)

    assert (first.status, last.status) == ("diverged", "diverged")
    assert_same_result(between, alone)


def test_a_diverged_run_keeps_its_history_and_has_no_metrics(digits):
    [result] = train_pack([make_run(optimizer=SGD(1e6, 0.9), epochs=5)], digits, CPU)

    assert result.status == "diverged"
    assert result.metrics == {}
    assert 1 <= len(result.history) <= 5
    assert not math.isfinite(result.history[-1].train_loss + result.history[-1].val_loss)


def test_a_run_diverges_by_its_training_loss_alone(digits):
    bare = replace(digits, validation=None, test=None)

    [result] = train_pack([make_run(optimizer=SGD(1e6, 0.9), epochs=5)], bare, CPU)

    assert result.status == "diverged"
    assert len(result.history) == 1


def test_a_convolutional_run_is_the_same_in_a_pack_to_rounding(digits):
    runs = [make_run(0, choice, CNN((4, 6)), epochs=1) for choice in ALL_FIVE[:3]]

    together = train_pack(runs, digits, CPU)

    for run, result in zip(runs, together, strict=True):
        [alone] = train_pack([run], digits, CPU)
        assert result.metrics == pytest.approx(alone.metrics, rel=1e-4)


def test_metrics_are_those_of_the_network(digits):
    [result] = train_pack([make_run(batch_size=128)], digits, CPU)

    network = build_network(MLP((64, 32)), (28, 28), 10)
    network.load_state_dict(result.weights)
    for part, examples in (
        ("train", digits.train),
        ("val", digits.validation),
        ("test", digits.test),
    ):
        with torch.no_grad():
            logits = network(scale(examples.inputs))
        loss = torch.nn.functional.cross_entropy(logits, examples.targets).item()
        right = (logits.argmax(1) == examples.targets).double().mean().item()
        assert result.metrics[f"{part}_loss"] == pytest.approx(loss, rel=1e-5)
        assert result.metrics[f"{part}_accuracy"] == pytest.approx(right)
    # Two whole batches an epoch: the mean is over their 256 examples, not over all 300.
    shown = [epoch.train_score * 256 for epoch in result.history]
    assert shown == [pytest.approx(round(count)) for count in shown]


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh", "silu"])
def test_metrics_are_those_of_a_network_with_norms(digits, activation):
    model = MLP((16, 8), activation, "layer")
    [result] = train_pack([make_run(model=model, regularizer=L1(1e-3, "weights"))], digits, CPU)

    network = build_network(model, (28, 28), 10)
    network.load_state_dict(result.weights)
    with torch.no_grad():
        logits = network(scale(digits.test.inputs))
    loss = torch.nn.functional.cross_entropy(logits, digits.test.targets).item()
    assert result.metrics["test_loss"] == pytest.approx(loss, rel=1e-5)
    # The scales of a norm are no weights.
    layers = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    norm = sum(layer.weight.double().abs().sum().item() for layer in layers)
    assert result.metrics["l1_norm"] == pytest.approx(norm)
    assert result.metrics["penalty"] == pytest.approx(1e-3 * norm)


def test_statistics_say_what_the_weights_do(digits):
    [result] = train_pack([make_run(regularizer=Elastic(1e-3, 0.25, "all"))], digits, CPU)

    weights = {name: value.double() for name, value in result.weights.items()}
    every = torch.cat([value.flatten() for value in weights.values()])
    assert result.metrics["penalty"] == pytest.approx(
        1e-3 * (0.25 * every.abs().sum().item() + 0.75 * every.square().sum().item()), rel=1e-6
    )
    only_weights = torch.cat([v.flatten() for k, v in weights.items() if k.endswith("weight")])
    assert result.metrics["l1_norm"] == pytest.approx(only_weights.abs().sum().item())
    assert result.metrics["l2_norm"] == pytest.approx(only_weights.norm().item())
    assert result.history[-1].val_loss == result.metrics["val_loss"]
    assert result.metrics["test_accuracy"] * len(digits.test) == pytest.approx(
        round(result.metrics["test_accuracy"] * len(digits.test))
    )


def test_what_there_is_no_data_for_is_not_measured(digits):
    bare = replace(digits, validation=None, test=None)

    [result] = train_pack([make_run()], bare, CPU)

    assert not [name for name in result.metrics if name.startswith(("val", "test"))]
    assert [epoch.val_loss for epoch in result.history] == [None, None]


def test_learning_helps(digits):
    [result] = train_pack([make_run(epochs=10)], digits, CPU)

    assert result.history[-1].train_loss < 0.5 * result.history[0].train_loss
    assert result.metrics["test_accuracy"] > 0.5


def test_progress_is_told_by_epoch_and_by_batch(digits):
    epochs, batches = [], []

    train_pack(
        [make_run(), make_run(1, L1(1e-3, "all"), log_every=None)],
        digits,
        CPU,
        on_epoch=lambda i, epoch: epochs.append((i, epoch.epoch)),
        on_batch=batches.append,
    )
    train_pack([make_run(1, L1(1e-3, "all"), log_every=12)], digits, CPU, on_batch=batches.append)

    assert epochs == [(0, 1), (1, 1), (0, 2), (1, 2)]
    assert [(b.epoch, b.batch) for b in batches] == [(1, 12), (1, 24), (2, 12), (2, 24)]
    assert all(b.loss > b.l1_penalty > 0 == b.l2_penalty for b in batches)


@pytest.mark.parametrize(
    ("part", "odd"),
    [
        ("Linear", make_run(model=Linear())),
        ("epochs=3", make_run(epochs=3)),
        ("train_size=200", replace(make_run(), data=Published("mnist", "unused", 200, 100, 0))),
        ("SGD", make_run(optimizer=SGD(0.1, 0.9))),
    ],
)
def test_unlike_runs_do_not_share_a_pack(digits, part, odd):
    with pytest.raises(ValueError, match=f"must be alike: .*{part}"):
        train_pack([make_run(), odd], digits, CPU)


def test_settings_of_the_process_are_put_back():
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()

    with numerics("medium"):
        assert (torch.get_float32_matmul_precision(), torch.get_num_threads()) == ("medium", 1)

    assert (torch.get_float32_matmul_precision(), torch.get_num_threads()) == before
