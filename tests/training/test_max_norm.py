"""The norm of each unit's incoming weights is bounded behind every step."""

from itertools import count

import pytest
import torch

from regsweep.settings.model import CNN, MLP
from regsweep.settings.optimizer import Adam
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import MaxNorm
from regsweep.training.network import build_network
from regsweep.training.pack import numerics, train_pack
from tests.training.own_networks import Embedded
from tests.training.plain_loop import plain_epochs
from tests.training.test_pack import CPU, make_run

# Below biases too, which are to be left alone.
BOUND = 0.1
NUMBERS = count()  # networks are kept by their specs


def test_a_run_is_the_plain_loop_that_scales_weights_behind_each_step(digits):
    run = make_run(0, MaxNorm(BOUND), MLP((16,)), Adam(1e-2))

    def scale_weights(network):
        for parameter in network.parameters():
            if parameter.dim() > 1:
                # It divides by the norm + 1e-7.
                parameter.copy_(torch.renorm(parameter, 2, 0, BOUND))

    [result] = train_pack([run], digits, CPU)

    with numerics("highest"):
        *_, network = plain_epochs(run, digits, scale_weights)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(result.weights[name], value, rtol=1e-4, atol=1e-5)


def of_own(monkeypatch):
    monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs, number: Embedded(outputs))
    return OwnModel("mine", (("number", next(NUMBERS)),))


@pytest.mark.parametrize("kind", [lambda _: MLP((16,)), lambda _: CNN((4,)), of_own])
def test_every_layer_is_bounded(digits, monkeypatch, kind):
    """Rows of a linear layer, filters of a convolution, vectors of an embedding."""
    model = kind(monkeypatch)
    run = make_run(0, MaxNorm(BOUND), model, Adam(1e-2))

    [result] = train_pack([run], digits, CPU)

    network = build_network(model, (28, 28), 10)
    network.load_state_dict(result.weights)
    weights = [value for value in network.parameters() if value.dim() > 1]
    assert len(weights) >= 2
    for weight in weights:
        norms = weight.flatten(1).norm(dim=1)
        assert norms.max() <= BOUND * (1 + 1e-6)
        assert (norms > BOUND * (1 - 1e-6)).any()
