"""What is left out: the masks, the plain loop that takes the same ones, networks of the user's."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from regsweep.errors import InputError
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.regularizer import Dropout, NoRegularizer
from regsweep.training.dropout import INPUTS, dropped, pack_rates
from regsweep.training.network import network_of
from regsweep.training.noise import new_noise, shared_noise
from regsweep.training.own_check import check_own
from regsweep.training.pack import train_pack
from tests.training.own_networks import Convolutional, Residual
from tests.training.plain import assert_same_weights, trained
from tests.training.test_own_check import CANCER, Net
from tests.training.test_own_networks import NUMBERS
from tests.training.test_pack import CPU, assert_same_result, make_run


def test_a_share_of_p_is_left_out_and_the_mean_stays():
    shares = [0.0, 0.2, 0.7]
    noise = shared_noise([5, 5, 5], CPU)
    x = torch.ones(1, 100, 1000)

    out = dropped(x, pack_rates(shares, CPU), noise, 0)

    assert torch.equal(out[:1], x)
    for p, own in zip(shares, out, strict=True):
        # Of 100,000 numbers; four standard deviations.
        off = 4 * (p * (1 - p) / 1e5) ** 0.5
        assert (own == 0).double().mean().item() == pytest.approx(p, abs=off)
        assert own[own > 0].unique().tolist() == pytest.approx([1 / (1 - p)])
    # Of one seed, what a smaller p leaves out a larger does too.
    assert (out[2][out[1] == 0] == 0).all()


def test_masks_differ_by_seed_step_and_draw():
    rates, x = pack_rates([0.5], CPU), torch.ones(1, 64, 100)

    def mask(seed, step, draw):
        noise = new_noise([seed], CPU)
        noise.step.fill_(step)
        return dropped(x, rates, noise, draw) > 0

    masks = [mask(*of) for of in ((0, 1, 1), (1, 1, 1), (0, 2, 1), (0, 1, 2), (0, 1, INPUTS))]
    for i, one in enumerate(masks):
        for other in masks[:i]:
            assert (one == other).double().mean().item() == pytest.approx(0.5, abs=0.03)


class Dropping:
    """Layers behind which a plain loop drops, as run 0 of a pack does."""

    def __init__(self, run, behind):
        self.behind = behind
        self.noise = new_noise([run.seed], CPU)
        own = run.regularizer
        self.p, self.input_p = (pack_rates([p], CPU) for p in (own.p, own.input_p))

    def __call__(self, network, inputs, targets, step):
        self.noise.step.fill_(step + 1)
        x = self.dropped(inputs, self.input_p, INPUTS)
        draw = 0
        for layer in network:
            x = layer(x)
            if isinstance(layer, self.behind):
                draw += 1
                x = self.dropped(x, self.p, draw)
        return cross_entropy(x, targets)

    def dropped(self, x, rates, draw):
        # Numbers stand features first, (features, batch), but those of images.
        if x.dim() == 2:
            return dropped(x.mT.unsqueeze(0), rates, self.noise, draw)[0].mT
        return dropped(x.unsqueeze(0), rates, self.noise, draw)[0]


@pytest.mark.parametrize(
    ("model", "behind"),
    [
        (MLP((64, 32)), nn.ReLU),
        (MLP((16, 8), "gelu", "layer"), nn.GELU),
        (Linear(), ()),
    ],
    ids=str,
)
def test_a_run_is_a_plain_loop_with_the_same_masks(digits, model, behind):
    choice = Dropout(0.0 if model == Linear() else 0.4, 0.1)
    run = make_run(3, choice, model)

    [result] = train_pack([run], digits, CPU)

    assert_same_weights(result.weights, trained(run, digits, Dropping(run, behind)))


def test_a_cnn_drops_behind_each_pooling(digits):
    run = make_run(0, Dropout(0.4, 0.1), CNN((4, 6)), batch_size=30, epochs=1)

    [result] = train_pack([run], digits, CPU)

    dropping = Dropping(run, nn.MaxPool2d)
    flattened = torch.nn.Flatten()

    def loss(network, inputs, targets, step):
        # Behind the last pooling they are dropped as features, which stand before the batch.
        dropping.noise.step.fill_(step + 1)
        x = dropping.dropped(inputs, dropping.input_p, INPUTS)
        *layers, _, last = network
        pooled = 0
        for layer in layers:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pooled += 1
                x = dropping.dropped(x if pooled == 1 else flattened(x), dropping.p, pooled)
        return cross_entropy(last(x), targets)

    assert_same_weights(result.weights, trained(run, digits, loss))


def test_nothing_is_left_out_in_evaluation(digits):
    run = make_run(0, Dropout(0.5, 0.5))
    [result] = train_pack([run], digits, CPU)

    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)
    )
    network.load_state_dict(result.weights)
    outputs = network(digits.test.inputs / 255)

    expected = cross_entropy(outputs, digits.test.targets).item()
    assert result.metrics["test_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.fixture
def own(monkeypatch):
    """A model of the user's, by the function that builds it."""

    def register(build):
        monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs, number: build(outputs))
        return OwnModel("mine", (("number", next(NUMBERS)),))

    return register


def residual(dropout):
    return lambda outputs: Residual(784, outputs, dropout=dropout)


@pytest.mark.parametrize("alone", [False, True], ids=["packed", "alone"])
def test_p_is_that_of_the_dropout_of_a_network_of_ones_own(own, digits, alone):
    mine = make_run(0, Dropout(0.3, 0.0), own(residual(0.9)), epochs=1)
    other = make_run(0, Dropout(0.8, 0.0), mine.model, epochs=1)
    plain = make_run(0, NoRegularizer("weights"), own(residual(0.3)), epochs=1)
    [expected] = train_pack([plain], digits, CPU, alone=alone)

    result = train_pack([mine] if alone else [other, mine], digits, CPU, alone=alone)[-1]

    assert_same_result(result, expected)


@pytest.mark.parametrize("network", ["channels", "batch norm"])
def test_other_networks_are_the_same_in_a_pack_too(own, digits, network):
    model = own(Convolutional) if network == "channels" else MLP((17, 5), norm="batch")
    runs = [
        make_run(seed, Dropout(p, 0.2), model, batch_size=30, epochs=1)
        for seed, p in ((0, 0.5), (1, 0.1), (0, 0.0))
    ]

    together = train_pack(runs, digits, CPU)

    for run, result in zip(runs, together, strict=True):
        [alone] = train_pack([run], digits, CPU)
        assert_same_result(result, alone)
    assert together[0].metrics != together[2].metrics
    # The names of the weights are those of the network without.
    [without] = train_pack([make_run(0, model=model, batch_size=30, epochs=1)], digits, CPU)
    assert without.weights.keys() == together[0].weights.keys()


def test_a_network_with_nothing_to_leave_out_of_is_refused(monkeypatch):
    with pytest.raises(InputError) as caught:
        make_run(0, Dropout(0.2, 0.0), Linear())
    assert str(caught.value) == (
        "regularizer.p=0.2: expected 0: this network has no hidden layers; regularizer.input_p "
        "leaves out of its inputs"
    )

    def check(then):
        network_of.cache_clear()
        monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs: Net(then))
        run = make_run(0, Dropout(0.2, 0.0), OwnModel("mine"))
        check_own(replace(run, data=CANCER))

    expected = "regularizer=dropout: expected another, or a network with "
    with pytest.raises(InputError) as caught:
        check(nn.Identity())
    assert str(caught.value) == (
        f"{expected}dropout (torch.nn.Dropout), whose p it sets: model=mine has none"
    )
    with pytest.raises(InputError) as caught:
        check(nn.Sequential(nn.Dropout(), nn.AlphaDropout()))
    assert str(caught.value) == (
        f"{expected}torch.nn.Dropout, 1d, 2d or 3d alone: then.1 of model=mine is AlphaDropout"
    )
    check(nn.Dropout(0.0))
