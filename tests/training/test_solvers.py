"""Linear models at the minimum of their objectives: the closed form, and scikit-learn's solvers.

Full batches, so that a step is one of gradient descent. With n training rows the objectives are
those of scikit-learn at

    Ridge                alpha = n weight
    Lasso                alpha = weight / 2
    ElasticNet           alpha = weight (1 - l1_ratio / 2), l1_ratio = l1_ratio / (2 - l1_ratio)
    LogisticRegression   C = 1 / (2 n weight) under l2,  C = 1 / (n weight) under l1
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.metrics import log_loss

from regsweep.data.dataset import Dataset
from regsweep.settings.data import Arrays, Data, ScikitLearn
from regsweep.settings.model import Linear
from regsweep.settings.optimizer import SGD, Adam, Optimizer, RMSprop
from regsweep.settings.regularizer import L1, L2, Elastic, Regularizer
from regsweep.settings.run import Run
from regsweep.settings.trainer import Trainer
from regsweep.training.load import load_data
from regsweep.training.pack import train_pack

CPU = torch.device("cpu")
SIZES = {"train_size": None, "validation_size": 0, "test_size": 0.2, "split_seed": 0}
DIABETES = ScikitLearn(dataset="diabetes", **SIZES)
WEIGHTS = (1e-3, 1e-2, 0.1, 1.0)
# Where all weights are 0, saga stops before its intercept has converged.
SOME = WEIGHTS[:3]
RATIO = 0.4
MOMENTUM = SGD(0.1, 0.95)
EPOCHS = 4000


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory) -> Arrays:
    """Two classes of which one in four is on the other's side; half of the inputs say nothing."""
    path = tmp_path_factory.mktemp("overlapping") / "x.npz"
    random = np.random.default_rng(0)
    x = random.normal(size=(500, 10))
    chances = 1 / (1 + np.exp(-x[:, :5] @ np.array([1.0, -1.0, 0.5, 0.25, 0.0]) + 0.5))
    np.savez(path, x=x, y=(random.random(500) < chances).astype(int))
    return Arrays(path=str(path), **SIZES)


@cache
def training_part(data: Data, loss: str) -> Dataset:
    return replace(load_data(data, loss, test=False), validation=None)


def solutions(
    data, loss, regularizers: list[Regularizer], optimizer: Optimizer, epochs: int, **learned
):
    """Weights (runs, inputs) and biases (runs,) at the end, of float64."""
    dataset = training_part(data, loss)
    runs = [
        Run(
            seed=0,
            objective="val_loss",
            data=data,
            model=Linear(),
            regularizer=regularizer,
            optimizer=optimizer,
            trainer=Trainer(
                epochs, len(dataset.train), "cpu", False, "highest", None, schedule="cosine"
            ),
            loss=loss,
            **learned,
        )
        for regularizer in regularizers
    ]
    results = train_pack(runs, dataset, CPU)
    weights = np.stack([r.weights["1.weight"][0].double().numpy() for r in results])
    return weights, np.array([r.weights["1.bias"].item() for r in results])


def rows(data, loss):
    part = training_part(data, loss).train
    return part.inputs.double().numpy(), part.targets[:, 0].double().numpy()


def squared_error(x, y, w, b):
    return np.mean((x @ w + b - y) ** 2)


def scikit_learns(kind, weight):
    if kind == "lasso":
        return Lasso(alpha=weight / 2, tol=1e-9, max_iter=100_000)
    return ElasticNet(
        alpha=weight * (1 - RATIO / 2), l1_ratio=RATIO / (2 - RATIO), tol=1e-9, max_iter=100_000
    )


def test_ridge_is_its_closed_form():
    x, y = rows(DIABETES, "mse")
    n = len(x)

    weights, biases = solutions(
        DIABETES, "mse", [L2(weight, "weights") for weight in WEIGHTS], MOMENTUM, epochs=EPOCHS
    )

    for weight, w, b in zip(WEIGHTS, weights, biases, strict=True):
        closed = np.linalg.solve(x.T @ x / n + weight * np.eye(x.shape[1]), x.T @ y / n)
        np.testing.assert_allclose(w, closed, atol=1e-4)
        np.testing.assert_allclose(w, Ridge(alpha=n * weight).fit(x, y).coef_, atol=1e-4)
        assert b == pytest.approx(0, abs=1e-5)  # inputs and targets are of mean 0


@pytest.mark.parametrize("kind", ["lasso", "elastic net"])
def test_l1_and_elastic_reach_scikit_learns_objective(kind):
    x, y = rows(DIABETES, "mse")
    ratio = 1.0 if kind == "lasso" else RATIO

    def objective(w, b, weight):
        penalty = ratio * np.abs(w).sum() + (1 - ratio) * (w**2).sum()
        return squared_error(x, y, w, b) + weight * penalty

    regularizers = [
        L1(weight, "weights") if kind == "lasso" else Elastic(weight, ratio, "weights")
        for weight in WEIGHTS
    ]
    weights, biases = solutions(DIABETES, "mse", regularizers, MOMENTUM, epochs=EPOCHS)

    for weight, w, b in zip(WEIGHTS, weights, biases, strict=True):
        model = scikit_learns(kind, weight).fit(x, y)
        best = objective(model.coef_, model.intercept_, weight)
        assert objective(w, b, weight) == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [
        ("lasso", Adam(1e-2)),
        ("elastic net", Adam(1e-2)),
        ("lasso", SGD(0.01, 0.95)),
        ("elastic net", RMSprop(1e-3, 0.99, 1e-8, 0.5)),
    ],
    ids=str,
)
def test_exact_l1_and_elastic_have_the_weights_and_zeros_of_scikit_learn(kind, optimizer):
    x, y = rows(DIABETES, "mse")
    regularizers = [
        L1(weight, "weights", True) if kind == "lasso" else Elastic(weight, RATIO, "weights", True)
        for weight in WEIGHTS
    ]

    weights, biases = solutions(DIABETES, "mse", regularizers, optimizer, epochs=EPOCHS)

    zeros = 0
    for weight, w, b in zip(WEIGHTS, weights, biases, strict=True):
        expected = scikit_learns(kind, weight).fit(x, y).coef_
        np.testing.assert_allclose(w, expected, atol=1e-3 * np.abs(expected).max())
        assert (w == 0).tolist() == (expected == 0).tolist()
        zeros += (w == 0).sum()
        assert b == pytest.approx(0, abs=1e-3)
    assert zeros >= 5


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_bce_reaches_the_objective_of_logistic_regression(overlapping, kind):
    x, y = rows(overlapping, "bce")
    made = L1 if kind == "l1" else L2

    def objective(w, b, weight):
        penalty = np.abs(w).sum() if kind == "l1" else (w**2).sum()
        return log_loss(y, 1 / (1 + np.exp(-(x @ w + b)))) + weight * penalty

    weights, biases = solutions(
        overlapping, "bce", [made(weight, "weights") for weight in SOME], MOMENTUM, epochs=EPOCHS
    )

    for weight, w, b in zip(SOME, weights, biases, strict=True):
        model = LogisticRegression(
            l1_ratio=float(kind == "l1"),
            C=1 / (len(x) * weight) if kind == "l1" else 1 / (2 * len(x) * weight),
            solver="saga",
            tol=1e-8,
            max_iter=20_000,
        ).fit(x, y)
        best = objective(model.coef_[0], model.intercept_[0], weight)
        assert objective(w, b, weight) == pytest.approx(best, rel=1e-3)


def test_balanced_losses_reach_the_objective_of_balanced_logistic_regression(overlapping):
    x, y = rows(overlapping, "bce")
    weighing = len(y) / (2 * np.where(y == 1, y.sum(), len(y) - y.sum()))

    def objective(w, b, weight):
        chances = 1 / (1 + np.exp(-(x @ w + b)))
        return np.mean(
            -weighing * (y * np.log(chances) + (1 - y) * np.log(1 - chances))
        ) + weight * np.sum(w**2)

    regularizers = [L2(weight, "weights") for weight in SOME]
    weights, biases = solutions(
        overlapping, "bce", regularizers, MOMENTUM, epochs=EPOCHS, loss_weight="balanced"
    )

    for weight, w, b in zip(SOME, weights, biases, strict=True):
        model = LogisticRegression(
            C=1 / (2 * len(x) * weight), class_weight="balanced", tol=1e-8
        ).fit(x, y)
        np.testing.assert_allclose(w, model.coef_[0], atol=1e-3)
        best = objective(model.coef_[0], model.intercept_[0], weight)
        assert objective(w, b, weight) == pytest.approx(best, rel=1e-5)
