"""Networks of the user's in the core: alone, packed, saved, drawn."""

from itertools import count

import numpy as np
import pytest
import torch
from torch import nn

from regsweep.data.dataset import scale
from regsweep.settings.model import MLP
from regsweep.settings.optimizer import SGD, Adam
from regsweep.settings.own import FUNCTIONS, OwnModel, OwnRegularizer
from regsweep.settings.regularizer import L1, L2, NoRegularizer, WeightDecay
from regsweep.training.compiled import lacking
from regsweep.training.pack import numerics, train_pack
from tests.training.own_networks import (
    ACTIVATIONS,
    Added,
    Convolutional,
    Embedded,
    Recurrent,
    Residual,
    Tied,
)
from tests.training.test_pack import CPU, assert_same_result, make_run

PACKABLE = {
    "layer_norm": lambda outputs: Residual(784, outputs, dropout=0.2),
    "batch_norm": lambda outputs: Residual(784, outputs, nn.BatchNorm1d, nn.ReLU, width=37),
    "tanh": lambda outputs: Residual(784, outputs, nn.Identity, nn.Tanh, width=17),
    "convolutional": Convolutional,
    "tied": lambda outputs: Tied(784, outputs),
    "embedded": Embedded,
}

NUMBERS = count()  # networks are kept by their specs


@pytest.fixture
def own(monkeypatch):
    """A model of the user's, by the function that builds it."""

    def register(function):
        monkeypatch.setitem(FUNCTIONS["model"], "mine", lambda outputs, number: function(outputs))
        return OwnModel("mine", (("number", next(NUMBERS)),))

    return register


def plain_training(module, run, dataset, batches):
    """The losses of a plain PyTorch loop, a batch at a time, with Adam."""
    optimizer = torch.optim.Adam(module.parameters(), run.optimizer.lr)
    losses = []
    module.train()
    for indices in batches:
        optimizer.zero_grad()
        outputs = module(scale(dataset.train.inputs[indices]))
        loss = nn.functional.cross_entropy(outputs, dataset.train.targets[indices])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def batches_of(run, examples):
    from regsweep.training.batches import Shuffler

    shuffler = Shuffler([run.seed], examples, run.trainer.batch_size, CPU)
    return [indices[0] for _ in range(run.trainer.epochs) for indices in shuffler.epoch()]


@pytest.mark.parametrize("batch_size", [10, 37])
@pytest.mark.parametrize("network", PACKABLE)
def test_a_packed_run_is_the_same_at_every_width_and_place(own, digits, network, batch_size):
    model = own(PACKABLE[network])

    def run(seed, regularizer, lr):
        return make_run(seed, regularizer, model, Adam(lr), batch_size=batch_size, epochs=1)

    mine = run(3, L2(1e-3, "all"), 2e-3)
    others = [
        run(0, NoRegularizer("weights"), 1e-3),
        run(1, L1(1e-3, "weights"), 1e-2),
        run(3, WeightDecay(1.0, True, "all"), 1e-3),
        run(4, NoRegularizer("weights"), 1e38),
    ]

    [alone] = train_pack([mine], digits, CPU)
    assert alone.status == "completed"
    for pack in ([mine, others[0]], [*others, mine], [*others[:2], mine, *others[2:]]):
        result = train_pack(pack, digits, CPU)[pack.index(mine)]
        assert_same_result(result, alone)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda kind: str(kind()))
def test_every_activation_of_torch_keeps_a_runs_bits(own, digits, activation):
    model = own(lambda outputs: Residual(784, outputs, nn.Identity, activation, width=13))
    runs = [make_run(0, L2(w, "all"), model, batch_size=30, epochs=1) for w in (0.0, 1e-3, 0.1)]

    together = train_pack(runs, digits, CPU)
    for run, result in zip(runs, together, strict=True):
        [alone] = train_pack([run], digits, CPU)
        assert_same_result(result, alone)


@pytest.mark.parametrize(
    ("network", "alone"),
    [*((name, alone) for name in PACKABLE for alone in (False, True)), ("recurrent", True)],
)
def test_it_trains_as_a_plain_loop_does(own, digits, network, alone):
    build = {**PACKABLE, "recurrent": lambda outputs: Recurrent(28, outputs)}[network]
    if network in ("layer_norm", "convolutional"):  # whose dropout is drawn otherwise
        without = build

        def build(outputs):
            module = without(outputs)
            for layer in module.modules():
                if isinstance(layer, (nn.Dropout, nn.Dropout2d)):
                    layer.p = 0.0
            return module

    run = make_run(7, model=own(build), batch_size=10, epochs=10)
    torch.manual_seed(7)
    module = build(10)

    with numerics("highest"):
        losses = plain_training(module, run, digits, batches_of(run, 300))
        module.eval()
        outputs = module(scale(digits.test.inputs))
    expected = nn.functional.cross_entropy(outputs, digits.test.targets).item()
    [result] = train_pack([run], digits, CPU, alone=alone)

    assert len(losses) == 300
    epochs = np.reshape(losses, (10, -1)).mean(1)
    assert [epoch.train_loss for epoch in result.history] == pytest.approx(epochs, rel=1e-5)
    assert result.metrics["test_loss"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("alone", [False, True])
def test_it_trains_in_training_mode_however_it_was_built(own, digits, alone):
    def built(outputs):
        return Residual(784, outputs, nn.BatchNorm1d)

    def trained(build):
        run = make_run(0, model=own(build), epochs=1)
        return train_pack([run], digits, CPU, alone=alone)[0]

    assert_same_result(trained(lambda outputs: built(outputs).eval()), trained(built))


@pytest.mark.parametrize("network", PACKABLE)
def test_the_weights_load_into_the_users_module_and_give_the_recorded_metrics(own, digits, network):
    model = own(PACKABLE[network])
    runs = [make_run(seed, model=model, epochs=2) for seed in (0, 1)]

    results = train_pack(runs, digits, CPU)

    for result in results:
        module = PACKABLE[network](10)
        module.load_state_dict(result.weights, strict=True)
        module.eval()
        with torch.no_grad():
            outputs = module(scale(digits.test.inputs))
        loss = nn.functional.cross_entropy(outputs, digits.test.targets).item()
        right = (outputs.argmax(1) == digits.test.targets).double().mean().item()
        assert result.metrics["test_loss"] == pytest.approx(loss, rel=1e-5)
        assert result.metrics["test_accuracy"] == right


@pytest.mark.parametrize("alone", [False, True], ids=["packed", "alone"])
def test_each_parameter_is_penalised_by_itself_where_two_have_one_gradient(own, digits, alone):
    def build(outputs):
        return Added(784, outputs)

    weight, lr = 0.1, 1e-2
    run = make_run(0, L2(weight, "all"), own(build), SGD(lr, 0.0), batch_size=10, epochs=1)
    torch.manual_seed(0)
    module = build(10)
    optimizer = torch.optim.SGD(module.parameters(), lr, weight_decay=2 * weight)
    for indices in batches_of(run, 300):
        optimizer.zero_grad()
        outputs = module(scale(digits.train.inputs[indices]))
        nn.functional.cross_entropy(outputs, digits.train.targets[indices]).backward()
        optimizer.step()

    [result] = train_pack([run], digits, CPU, alone=alone)

    for name, value in module.state_dict().items():
        torch.testing.assert_close(result.weights[name], value, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_those_of_the_modules_own_initialisation(own, digits):
    def build(outputs):
        module = nn.Sequential(nn.Flatten(), nn.Linear(784, outputs))
        nn.init.orthogonal_(module[1].weight)
        module[1].bias.data = torch.from_numpy(np.random.rand(outputs)).float()
        return module

    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    run = make_run(5, model=own(build), optimizer=SGD(1e-30, 0.0), epochs=1)

    [result] = train_pack([run], digits, CPU)

    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    torch.manual_seed(5)
    np.random.seed(5)
    for name, value in build(10).state_dict().items():
        assert torch.equal(result.weights[name], value)


def test_dropout_drops_its_share_anew_at_every_step_and_in_every_layer(own, digits):
    seen = []

    class Watched(nn.Module):
        def __init__(self, outputs):
            super().__init__()
            self.last = nn.Linear(784, outputs)

        def forward(self, x):
            ones = torch.ones_like(x.flatten(1)) + 0 * self.last.bias[0]
            masks = [nn.functional.dropout(ones, 0.3, self.training) for _ in range(2)]
            seen.append([mask.detach().clone() for mask in masks])
            return self.last(x.flatten(1) * masks[0])

    run = make_run(0, model=own(Watched), batch_size=100, epochs=1)
    train_pack([run], digits, CPU, alone=True)

    trained = [mask for masks in seen[:3] for mask in masks]
    for mask in trained:
        kept = mask[mask != 0]
        assert kept.mean().item() == pytest.approx(1 / 0.7)
        # 78,400 draws: three standard errors are 0.005.
        assert len(kept) / mask.numel() == pytest.approx(0.7, abs=0.005)
    for i, one in enumerate(trained):
        for other in trained[:i]:
            both = ((one != 0) & (other != 0)).double().mean().item()
            assert both == pytest.approx(0.49, abs=0.006)
    assert all((mask == 1).all() for masks in seen[3:] for mask in masks)


def test_a_penalty_of_the_users_is_the_built_in_one_where_it_says_the_same(
    own, digits, monkeypatch
):
    def squares(parameters, weight):
        return weight * sum((value**2).sum() for value in parameters.values())

    monkeypatch.setitem(FUNCTIONS["regularizer"], "squares", squares)
    model = own(lambda outputs: Residual(784, outputs))
    weights = (1e-3, 1e-2)
    ours = [make_run(0, OwnRegularizer("squares", "all", (("weight", w),)), model) for w in weights]
    builtin = [make_run(0, L2(w, "all"), model) for w in weights]

    for one, other in zip(
        train_pack(ours, digits, CPU), train_pack(builtin, digits, CPU), strict=True
    ):
        losses = [epoch.train_loss for epoch in other.history]
        assert [epoch.train_loss for epoch in one.history] == pytest.approx(losses, rel=1e-5)
        assert one.metrics["penalty"] == pytest.approx(other.metrics["penalty"], rel=1e-4)
    [alone] = train_pack(ours[1:], digits, CPU)
    assert_same_result(train_pack(ours, digits, CPU)[1], alone)


def test_the_built_in_network_with_batch_norm_packs(digits):
    runs = [
        make_run(0, L2(w, "all"), MLP((30, 20), "relu", "batch"), batch_size=20) for w in (0, 1e-3)
    ]

    for run, result in zip(runs, train_pack(runs, digits, CPU), strict=True):
        [alone] = train_pack([run], digits, CPU)
        assert_same_result(result, alone)
        assert "2.running_mean" in result.weights


def test_what_an_own_network_draws_alone_is_its_seeds(own, digits):
    model = own(lambda outputs: Recurrent(28, outputs, dropout=0.5))
    run = make_run(1, model=model)

    one, other = (train_pack([run], digits, CPU, alone=True)[0] for _ in range(2))
    [another] = train_pack([make_run(2, model=model)], digits, CPU, alone=True)

    assert_same_result(one, other)
    assert one.history != another.history


@pytest.mark.full
@pytest.mark.skipif(lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers")
@pytest.mark.parametrize("network", ["layer_norm", "batch_norm"])
def test_a_compiled_pack_has_the_bits_of_a_compiled_run_alone(own, digits, network):
    model = own(PACKABLE[network])
    runs = [make_run(0, L2(w, "all"), model, batch_size=30, epochs=3) for w in (0.0, 1e-3, 0.1)]

    together = train_pack(runs, digits, CPU, mode="compiled", width=3)

    [alone] = train_pack(runs[-1:], digits, CPU, mode="compiled", width=1)
    assert_same_result(together[-1], alone)
