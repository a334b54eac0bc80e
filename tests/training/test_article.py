"""The article's plain training loop is the specification of the core."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from regsweep.data.dataset import Examples, scale
from regsweep.settings.data import Published
from regsweep.settings.model import MLP
from regsweep.settings.optimizer import Adam
from regsweep.settings.regularizer import L1, L2, Elastic, WeightDecay
from regsweep.settings.run import Run
from regsweep.settings.trainer import Trainer
from regsweep.training.batches import Shuffler
from regsweep.training.network import build_network
from regsweep.training.pack import numerics, train_pack

BATCH, LR, EPOCHS, SEED = 10, 1e-4, 5, 42
EXPERIMENTS = {
    "l1": L1(1.0, "all"),
    "l2": L2(1.0, "all"),
    "weight_decay": WeightDecay(1.0, False, "all"),
    "elastic": Elastic(1.0, 0.3, "all"),
}
PENALTIES = {
    "l1": lambda w: w.abs().sum(),
    "l2": lambda w: w.square().sum(),
    "weight_decay": lambda w: w.new_zeros(()),
    "elastic": lambda w: 0.3 * w.abs().sum() + 0.7 * w.square().sum(),
}


def article_loop(name, dataset, epochs, fused=False):
    """One network, one optimizer, one batch at a time: all losses, accuracies; the network."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        network = build_network(MLP((64, 32)), (28, 28), 10)
    decay = 1.0 if name == "weight_decay" else 0.0
    optimizer = torch.optim.Adam(network.parameters(), lr=LR, weight_decay=decay, fused=fused)
    shuffler = Shuffler([SEED], len(dataset.train), BATCH, torch.device("cpu"))
    losses, accuracies = [], []
    for _ in range(epochs):
        for [indices] in shuffler.epoch():
            images = scale(dataset.train.inputs.index_select(0, indices))
            labels = dataset.train.targets[indices]
            optimizer.zero_grad()
            logits = network(images)
            loss = nn.functional.cross_entropy(logits, labels)
            weights = torch.cat([p.view(-1) for p in network.parameters()])
            loss = loss + PENALTIES[name](weights)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            accuracies.append((logits.argmax(1) == labels).double().mean())
    return torch.stack(losses), torch.stack(accuracies), network


def experiment(name, dataset, **trainer):
    settings = {"epochs": EPOCHS, "batch_size": BATCH, "log_every": None} | trainer
    return Run(
        seed=SEED,
        objective="val_loss",
        data=Published("mnist", "unused", len(dataset.train), 0, 0),
        model=MLP((64, 32)),
        regularizer=EXPERIMENTS[name],
        optimizer=Adam(LR),
        trainer=Trainer(device="cpu", compile="auto", matmul_precision="highest", **settings),
    )


@pytest.fixture(scope="module")
def _numerics():
    with numerics("highest"):
        yield


@pytest.mark.usefixtures("_numerics")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_follows_the_loop_step_by_step(name, mnist):
    steps = 300
    images, labels = mnist.train.inputs[: steps * BATCH], mnist.train.targets[: steps * BATCH]
    start = replace(mnist, train=Examples(images, labels), test=None)
    expected, _, _ = article_loop(name, start, epochs=1)
    batches = []

    train_pack(
        [experiment(name, start, epochs=1, log_every=1) for name in EXPERIMENTS],
        start,
        torch.device("cpu"),
        on_batch=batches.append,
    )

    mine = [b.loss for b in batches if b.run == list(EXPERIMENTS).index(name)]
    assert len(mine) == len(expected) == steps
    torch.testing.assert_close(torch.tensor(mine), expected.float(), rtol=1e-5, atol=0)


# Elastic has both penalties. The packs are compiled, as sweeps of so many steps are.
@pytest.mark.full
@pytest.mark.usefixtures("_numerics")
@pytest.mark.parametrize(
    "names",
    [("elastic",), ("weight_decay", "l1", "l2")],
    ids=" ".join,
)
def test_ends_where_the_loop_ends_after_5_epochs_of_mnist(names, mnist):
    runs = [experiment(name, mnist) for name in names]
    results = train_pack(runs, mnist, torch.device("cpu"), mode="compiled", width=len(runs))

    for name, result in zip(names, results, strict=True):
        losses, accuracies, network = article_loop(name, mnist, EPOCHS, fused=True)
        epoch = len(mnist.train) // BATCH
        last = result.history[-1]
        # What the article prints: the loss with its penalty, here over the last epoch.
        assert last.train_loss + result.metrics["penalty"] == pytest.approx(
            losses[-epoch:].mean().item(), rel=0.01
        )
        assert last.train_score == pytest.approx(accuracies[-epoch:].mean().item(), abs=0.005)
        with torch.no_grad():
            logits = network(scale(mnist.test.inputs))
        loss = nn.functional.cross_entropy(logits, mnist.test.targets).item()
        assert result.metrics["test_loss"] == pytest.approx(loss, rel=0.01)
        # Under an L1 penalty of this weight only the signs of the last biases are left, which
        # flip with every step: the class that such a network always names is up to rounding.
        if EXPERIMENTS[name].coefficients().l1 == 0:
            accuracy = (logits.argmax(1) == mnist.test.targets).double().mean().item()
            assert result.metrics["test_accuracy"] == pytest.approx(accuracy, abs=0.005)
