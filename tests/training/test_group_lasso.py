"""Whole units left out: the conditions of a minimum, and the network that is left."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import linear, relu

from regsweep.errors import InputError
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import GroupLasso
from regsweep.training.network import build_network, output_layer
from regsweep.training.optimizer import pack_optimizer
from regsweep.training.pack import train_pack
from regsweep.training.penalty import group_penalty, pack_coefficients
from regsweep.training.proximal import shrink_groups
from tests.training.own_networks import Convolutional, Embedded, Residual, Tied
from tests.training.test_pack import CPU, make_run

STEPS = 3000


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.03, 1.0), (1e-4, 1e5)], ids=str)
def test_the_step_is_at_the_minimum_of_what_it_minimises(scales):
    """``sum (u - w)^2 / (2 d) + t |u|``: at its minimum the gradient is 0, or u is."""
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(3, 400, 10, generator=generator)
    low, high = torch.tensor(scales).log()
    d = (low + (high - low) * torch.rand(3, 400, 10, generator=generator)).exp()
    weight = torch.tensor([1e-2, 1.0, 1e2]).view(3, 1, 1) / scales[0]
    u = w.clone()

    shrink_groups(u, weight, d)

    t = weight.double() * 10**0.5
    u, w, d = u.double(), w.double(), d.double()
    norm = u.square().sum(2, keepdim=True).sqrt()
    left = norm > 0
    residual = (u - w) / d + t * u / norm.clamp(min=1e-300)
    # Of the pull, or of what it works against in the weights that hardly move.
    scale = t + (w / d).abs()
    assert (residual.abs() <= 1e-3 * scale)[left.expand_as(u)].all()
    alone = (w / d).square().sum(2, keepdim=True).sqrt() <= t
    assert torch.equal(alone, ~left)
    assert 0 < left.sum() < left.numel()


@pytest.mark.parametrize(
    ("optimizer", "lr"),
    [(Adam(1.0), 1e-2), (SGD(1.0, 0.9), 1e-2), (RMSprop(1.0, 0.99, 1e-8, 0.5), 2e-3)],
    ids=["adam", "sgd", "rmsprop"],
)
def test_steps_end_where_the_conditions_of_a_minimum_hold(optimizer, lr):
    """Least squares with groups of ten at unequal scales, at two strengths."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 10, generator=generator) * torch.logspace(-0.3, 0.3, 10)
    y = x @ torch.randn(10, 12, generator=generator) * torch.linspace(0.02, 1, 12)
    weights = (0.2, 0.6)
    parameters = {"0.weight": 0.3 * torch.randn(2, 12, 10, generator=generator)}
    pack = pack_optimizer([optimizer] * 2, parameters)
    coefficients = pack_coefficients([GroupLasso(weight, "weights") for weight in weights], CPU)

    def gradient():
        return 2 / 200 * (parameters["0.weight"] @ x.T - y.T) @ x

    for step in range(STEPS):
        pack.lr.fill_(lr * (1 + math.cos(math.pi * step / STEPS)) / 2)
        pack.step(parameters, {"0.weight": gradient()}, coefficients)

    norms = parameters["0.weight"].norm(dim=2, keepdim=True)
    left = norms[..., 0] > 0
    pull = 10**0.5 * torch.tensor(weights).view(2, 1, 1)
    whole = (gradient() + pull * parameters["0.weight"] / norms) / pull
    assert whole[left].abs().max() < 1e-3
    assert ((gradient().norm(dim=2, keepdim=True) / pull)[~left] <= 1 + 1e-3).all()
    assert 12 > left[0].sum() > left[1].sum() > 0
    penalties = group_penalty(parameters, coefficients)
    assert penalties.tolist() == pytest.approx((pull * norms).sum((1, 2)).tolist(), rel=1e-5)


def test_the_shrunk_network_gives_the_same_outputs(digits):
    run = make_run(0, GroupLasso(3e-3, "weights"), MLP((64, 32)), epochs=8)

    [result] = train_pack([run], digits, CPU)

    network = build_network(MLP((64, 32)), (28, 28), 10)
    network.load_state_dict(result.weights)
    x = digits.test.inputs.float().flatten(1) / 255
    expected = network(x.view(-1, 28, 28))
    shrunk, zeros = x, 0
    constant = torch.zeros(784, dtype=torch.bool)
    values = torch.zeros(784)
    for layer in ("1", "3", "5"):
        weight, bias = result.weights[f"{layer}.weight"], result.weights[f"{layer}.bias"]
        bias = bias + weight[:, constant] @ values[constant]
        weight = weight[:, ~constant]
        constant = ~result.weights[f"{layer}.weight"].any(1)
        zeros += constant.sum()
        values = relu(bias)
        shrunk = linear(shrunk, weight[~constant], bias[~constant])
        if layer != "5":
            shrunk = relu(shrunk)
    torch.testing.assert_close(shrunk, expected, rtol=1e-5, atol=1e-5)
    assert zeros == result.metrics["zero_units"] >= 10
    assert not constant.any()


def test_a_model_without_hidden_units_is_refused():
    with pytest.raises(InputError) as caught:
        make_run(0, GroupLasso(1e-3, "weights"), Linear())

    expected = "another, or a network with hidden units"
    assert str(caught.value) == f"regularizer=group_lasso: expected {expected}"


class Scaled(Residual):
    """Its outputs are not those of its last layer as they are."""

    def forward(self, x):
        return super().forward(x) * 2


IMAGES = torch.zeros(2, 28, 28)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Residual(784, 10, nn.BatchNorm1d), ("last.weight", "last.bias")),
        (Convolutional(10), ("layers.10.weight", "layers.10.bias")),
        (Tied(784, 10), ("last.weight",)),
        (Embedded(10), ("last.weight", "last.bias")),
        (build_network(MLP((9,), norm="batch"), (28, 28), 10), ("4.weight", "4.bias")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_output_layer_is_that_whose_outputs_are_given_back(network, expected):
    assert output_layer(lambda: network, IMAGES) == expected


@pytest.mark.parametrize(
    "network",
    [Scaled(784, 10), nn.Sequential(nn.Flatten(), nn.Linear(784, 10))],
    ids=["scaled", "no hidden units"],
)
def test_a_network_whose_output_layer_is_not_found_is_refused(network):
    with pytest.raises(InputError, match="regularizer=group_lasso: expected another, or a network"):
        output_layer(lambda: network, IMAGES)


def test_units_of_a_network_of_ones_own_are_left_out(digits, monkeypatch):
    monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs: Residual(784, outputs))
    run = make_run(0, GroupLasso(10.0, "weights"), OwnModel("mine"), epochs=1)

    [result] = train_pack([run], digits, CPU, alone=True)

    hidden = [v for k, v in result.weights.items() if v.dim() > 1 and not k.startswith("last")]
    assert len(hidden) == 5
    assert not any(value.any() for value in hidden)
    assert result.weights["last.weight"].any()
    assert result.metrics["zero_units"] == sum(map(len, hidden))


@pytest.mark.parametrize("scope", ["weights", "all"])
def test_the_output_layer_is_left_alone(digits, scope):
    for model in (MLP((9,)), CNN((4,))):
        run = make_run(0, GroupLasso(10.0, scope), model, epochs=1)

        [result] = train_pack([run], digits, CPU)

        *hidden, weight, bias = result.weights.values()
        assert not any(value.any() for value in hidden if value.dim() > 1)
        assert weight.any()
        assert bias.any()
        assert result.metrics["zero_units"] == len(hidden[0])
