"""A network under each regularizer against ``torch.optim.RMSprop``, step by step."""

import pytest
import torch
from torch import nn

from regsweep.data.dataset import scale
from regsweep.settings.model import MLP
from regsweep.settings.optimizer import RMSprop
from regsweep.settings.regularizer import WeightDecay
from regsweep.training.batches import Shuffler
from regsweep.training.network import build_network
from regsweep.training.pack import numerics, train_pack
from tests.training.test_pack import ALL_FIVE, CPU, make_run

MODEL, BATCH, EPOCHS = MLP((16, 8)), 10, 10  # of 300 digits: 300 steps
OPTIMIZER = RMSprop(3e-4, 0.99, 1e-8, 0.0)
REGULARIZERS = [*ALL_FIVE, WeightDecay(0.1, False, "all")]


def plain_losses(regularizer, digits):
    """The loss of every batch before its step, without penalty."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(MODEL, (28, 28), 10)
    coefficients = regularizer.coefficients()
    every = list(network.parameters())
    penalised = every if regularizer.scope == "all" else [p for p in every if p.dim() > 1]
    optimizer = torch.optim.RMSprop(every, lr=OPTIMIZER.lr, weight_decay=coefficients.weight_decay)
    shuffler = Shuffler([0], len(digits.train), BATCH, CPU)
    losses = []
    for _ in range(EPOCHS):
        for [indices] in shuffler.epoch():
            images = scale(digits.train.inputs[indices])
            loss = nn.functional.cross_entropy(network(images), digits.train.targets[indices])
            l1 = sum(p.abs().sum() for p in penalised)
            l2 = sum(p.square().sum() for p in penalised)
            optimizer.zero_grad()
            (loss + coefficients.l1 * l1 + coefficients.l2 * l2).backward()
            with torch.no_grad():
                for parameter in penalised:
                    parameter.mul_(1 - OPTIMIZER.lr * coefficients.decoupled_decay)
            optimizer.step()
            losses.append(loss.item())
    return losses


def test_every_regularizer_follows_pytorchs_for_300_steps(digits):
    runs = [
        make_run(0, regularizer, MODEL, OPTIMIZER, epochs=EPOCHS, log_every=1)
        for regularizer in REGULARIZERS
    ]
    batches = []

    train_pack(runs, digits, CPU, on_batch=batches.append)

    with numerics("highest"):
        for i, regularizer in enumerate(REGULARIZERS):
            mine = [b.loss - b.l1_penalty - b.l2_penalty for b in batches if b.run == i]
            expected = plain_losses(regularizer, digits)
            assert len(mine) == 300
            assert mine == pytest.approx(expected, rel=1e-5)
    assert sum(expected[-30:]) < 0.9 * sum(expected[:30])
