"""Packs that learn numbers and labels."""

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    log_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)

from regsweep.settings.data import Arrays, ScikitLearn
from regsweep.settings.model import MLP, Linear
from regsweep.settings.optimizer import Adam
from regsweep.settings.regularizer import L1
from regsweep.settings.run import Run
from regsweep.settings.trainer import Trainer
from regsweep.training.compiled import lacking
from regsweep.training.load import load_data
from regsweep.training.network import build_network
from regsweep.training.pack import train_pack
from tests.training.test_pack import ALL_FIVE, CPU, assert_same_result

SIZES = {"train_size": None, "validation_size": 0.25, "test_size": 0.2, "split_seed": 0}
needs_compiler = pytest.mark.skipif(
    lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Of numbers, one and three a row, and of labels, one and two."""
    path = tmp_path_factory.mktemp("labels") / "labels.npz"
    x = np.random.default_rng(0).normal(size=(300, 6))
    np.savez(path, x=x, y=np.stack([x[:, 0] > 0.3, x.sum(1) > 0], axis=1))
    return {
        "numbers": ScikitLearn(dataset="diabetes", **SIZES),
        "several numbers": ScikitLearn(dataset="linnerud", **SIZES),
        "two classes": ScikitLearn(dataset="breast_cancer", **SIZES),
        "labels": Arrays(path=str(path), **SIZES),
    }


def make_run(
    data, seed=0, regularizer=ALL_FIVE[0], model=None, batch_size=10, lr=1e-2, epochs=2, **learned
):
    return Run(
        seed=seed,
        objective="val_loss",
        data=data,
        model=model or MLP((16, 5)),
        regularizer=regularizer,
        optimizer=Adam(lr),
        trainer=Trainer(epochs, batch_size, "cpu", "auto", "highest", None),
        **learned,
    )


def examples(run):
    return load_data(run.data, run.loss, test=True)


@pytest.mark.parametrize(
    ("mode", "source", "model", "batch_size"),
    [
        ("eager", "numbers", Linear(), 10),
        ("eager", "numbers", MLP((17, 5), "silu", "layer"), 37),
        ("eager", "several numbers", MLP((16,)), 7),
        ("eager", "two classes", Linear(), 37),
        ("eager", "two classes", MLP((50, 20)), 32),
        ("eager", "labels", MLP((17,), "gelu"), 10),
        pytest.param("compiled", "numbers", Linear(), 10, marks=needs_compiler),
        pytest.param(
            "compiled", "labels", MLP((17,), "gelu"), 10, marks=[needs_compiler, pytest.mark.full]
        ),
    ],
    ids=str,
)
def test_a_run_is_the_same_at_every_width_and_place(sources, mode, source, model, batch_size):
    learned = {"loss": "bce", "loss_weight": "balanced"} if source == "two classes" else {}

    def run(seed, regularizer, lr=1e-2):
        return make_run(sources[source], seed, regularizer, model, batch_size, lr, **learned)

    me = run(0, L1(1e-3, "weights"))
    [alone] = train_pack([me], examples(me), CPU, mode=mode)
    for seeds in (1, 3):  # all on one batch, and each on its own
        company = [run(i % seeds, ALL_FIVE[i % 5], lr=1e-2 * (1 + i)) for i in range(15)]
        for width in (2, 5, 16) if mode == "eager" else (5,):
            pack = [me, *company[: width - 1]]
            there = train_pack(pack[::-1], examples(me), CPU, mode=mode, width=width)
            assert_same_result(there[-1], alone)


@pytest.mark.parametrize("source", ["numbers", "several numbers", "two classes", "labels"])
def test_metrics_are_scikit_learns(sources, source):
    learned = {"loss": "bce"} if source == "two classes" else {}
    run = make_run(sources[source], batch_size=5, **learned)
    data = examples(run)
    [result] = train_pack([run], data, CPU)
    network = build_network(run.model, data.shape, data.outputs)
    network.load_state_dict(result.weights)

    for part, rows in (("train", data.train), ("val", data.validation), ("test", data.test)):
        with torch.no_grad():
            found = network(rows.inputs).double()
        if data.task == "regression":
            loss, score, name = mean_squared_error(rows.targets, found), None, "r2"
            score = r2_score(rows.targets, found)
        else:
            chances = found.sigmoid()
            columns = zip(rows.targets.T, chances.T, strict=True)
            loss = np.mean([log_loss(right, chance) for right, chance in columns])
            score = accuracy_score(rows.targets.flatten(), (chances > 0.5).flatten())
            name = "accuracy"
        assert result.metrics[f"{part}_loss"] == pytest.approx(loss, rel=1e-5)
        assert result.metrics[f"{part}_{name}"] == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize(
    ("source", "learned"),
    [
        ("numbers", {}),
        ("several numbers", {}),
        ("two classes", {"loss": "bce"}),
        (
            "two classes",
            {"loss": "bce", "loss_weight": "balanced", "score": "balanced_accuracy"},
        ),
        ("labels", {"loss_weight": "balanced", "score": "roc_auc"}),
    ],
    ids=str,
)
def test_the_losses_of_test_rows_are_each_rows_and_their_mean_is_the_metric(
    sources, source, learned
):
    runs = [make_run(sources[source], seed, batch_size=5, **learned) for seed in (0, 1)]
    data = examples(runs[0])
    results = train_pack(runs, data, CPU, mode="eager")

    for run, result in zip(runs, results, strict=True):
        network = build_network(run.model, data.shape, data.outputs)
        network.load_state_dict(result.weights)
        with torch.no_grad():
            found, right = network(data.test.inputs).double(), data.test.targets.double()
        terms = (found - right) ** 2
        if data.task != "regression":
            terms = -right * found.sigmoid().log() - (1 - right) * (-found).sigmoid().log()
        losses = result.test_losses
        assert (losses.dtype, losses.shape) == (np.float32, (len(data.test),))
        assert losses == pytest.approx(terms.mean(1).numpy(), rel=1e-4, abs=1e-6)
        mean = losses.mean(dtype=np.float64)
        assert mean == pytest.approx(result.metrics["test_loss"], rel=1e-12)


def test_without_test_rows_there_are_no_losses_of_them(sources):
    run = make_run(sources["numbers"])
    [result] = train_pack([run], load_data(run.data, test=False), CPU)
    assert result.test_losses is None


def test_over_an_epoch_r2_is_what_the_loss_leaves(sources):
    rows = len(load_data(sources["numbers"], test=False).train)
    run = make_run(sources["numbers"], lr=1e-30, batch_size=rows)  # nothing is learned
    [result] = train_pack([run], examples(run), CPU)

    for epoch in result.history:
        assert epoch.train_score == pytest.approx(result.metrics["train_r2"], abs=1e-6)


@pytest.mark.parametrize("score", ["balanced_accuracy", "roc_auc"])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_rare_classes_are_weighed_and_scored(sources, score, loss):
    asked = {"loss": loss, "score": score, "loss_weight": "balanced"}
    run = make_run(sources["two classes"], **asked)
    plain = make_run(sources["two classes"], loss=loss)
    data = examples(run)

    [result], [other] = train_pack([run], data, CPU), train_pack([plain], data, CPU)

    assert list(result.metrics)[:6] == [
        "train_loss", f"train_{score}", "val_loss", f"val_{score}", "test_loss", f"test_{score}",
    ]  # fmt: skip
    network = build_network(run.model, data.shape, data.outputs)
    network.load_state_dict(result.weights)
    with torch.no_grad():
        found = network(data.test.inputs).double()
    right = data.test.targets.flatten()
    positive = found[:, 0] if loss == "bce" else found[:, 1] - found[:, 0]
    # What is recorded weighs all rows alike.
    assert result.metrics["test_loss"] == pytest.approx(
        log_loss(right, positive.sigmoid()), rel=1e-5
    )
    expected = (
        roc_auc_score(right, positive)
        if score == "roc_auc"
        else balanced_accuracy_score(right, positive > 0)
    )
    assert result.metrics[f"test_{score}"] == pytest.approx(expected, rel=1e-6)
    # Measured after the epoch, of all training rows.
    assert result.history[-1].train_score == result.metrics[f"train_{score}"]
    assert result.weights["1.weight"].ne(other.weights["1.weight"]).any()
