"""Mixed examples: how they are drawn, the plain loop that mixes the same, what is recorded."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import beta, kstest
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from regsweep.data.dataset import scale
from regsweep.data.facts import Facts
from regsweep.errors import InputError
from regsweep.settings.model import MLP
from regsweep.settings.own import OwnModel
from regsweep.settings.regularizer import Mixup
from regsweep.training.mixup import epoch_mixing
from regsweep.training.pack import train_pack
from tests.training.plain import assert_same_weights, trained
from tests.training.test_pack import CPU, make_run
from tests.training.test_tasks import examples, sources  # noqa: F401
from tests.training.test_tasks import make_run as make_run_of


@pytest.mark.parametrize("alpha", [0.3, 1.0, 8.0])
def test_shares_are_beta_distributed(alpha):
    mixing = epoch_mixing([make_run(7, Mixup(alpha))], 1, 5000, CPU)

    assert mixing.shares.shape == (5000, 1)
    assert kstest(mixing.shares.double().flatten(), beta(alpha, alpha).cdf).pvalue > 0.01


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1e4])
def test_extreme_alphas_give_shares(alpha):
    shares = epoch_mixing([make_run(7, Mixup(alpha))], 1, 5000, CPU).shares

    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares.mean().item() == pytest.approx(0.5, abs=0.03)
    deviation = 0.5 / (2 * alpha + 1) ** 0.5
    assert shares.std().item() == pytest.approx(deviation, rel=0.05)


def test_others_are_the_batch_in_another_order_in_every_batch():
    runs = [make_run(seed, Mixup(0.2), batch_size=50) for seed in (0, 1, 0)]

    first, second = (epoch_mixing(runs, epoch, 20, CPU).others for epoch in (1, 2))

    assert first.shape == (20, 3, 50)
    places = torch.arange(50).expand(20, 3, 50)
    assert torch.equal(first.sort(-1).values, places)
    orders = torch.cat([first[:, :2], second[:, :2]]).flatten(0, 1)
    assert len(orders.unique(dim=0)) == 80
    assert (orders == places[0, 0]).double().mean().item() == pytest.approx(1 / 50, abs=0.01)
    assert torch.equal(first[:, 0], first[:, 2])


def test_what_a_run_draws_is_the_same_beside_others():
    alphas = (0.0, 0.2, 2.0)
    runs = [make_run(0, Mixup(alpha)) for alpha in alphas]

    together = epoch_mixing(runs, 3, 40, CPU)
    strangers = epoch_mixing([make_run(4, Mixup(1.0)), *runs], 3, 40, CPU)

    for place, run in enumerate(runs):
        alone = epoch_mixing([run], 3, 40, CPU)
        assert torch.equal(together.shares[:, place], alone.shares[:, 0])
        assert torch.equal(strangers.shares[:, 1 + place], alone.shares[:, 0])
        assert torch.equal(strangers.others[:, 1 + place], alone.others[:, 0])
        assert torch.equal(together.others, alone.others)
    assert (together.shares[:, 0] == 1).all()


def mixed(run, loss):
    """The loss of the examples that ``run`` mixes, in a plain loop of one epoch."""

    def of(network, inputs, targets, step):
        steps = 10_000  # more than there are
        mixing = epoch_mixing([run], 1, steps, CPU)
        lam, others = mixing.shares[step, 0], mixing.others[step, 0]
        outputs = network(lam * inputs + (1 - lam) * inputs[others])
        return lam * loss(outputs, targets) + (1 - lam) * loss(outputs, targets[others])

    return of


def test_a_run_is_a_plain_loop_with_the_same_mixing(digits):
    run = make_run(3, Mixup(0.5), epochs=1)

    [result] = train_pack([run], digits, CPU)

    network = trained(run, digits, mixed(run, cross_entropy))
    assert_same_weights(result.weights, network)
    # What is recorded is of the training rows as they are, after the epoch.
    outputs = network(scale(digits.train.inputs))
    [epoch] = result.history
    loss = cross_entropy(outputs, digits.train.targets).item()
    assert epoch.train_loss == pytest.approx(loss, rel=1e-4) == result.metrics["train_loss"]
    assert epoch.train_score == result.metrics["train_accuracy"]


@pytest.mark.parametrize(
    ("source", "loss"),
    [("several numbers", mse_loss), ("labels", binary_cross_entropy_with_logits)],
)
def test_labels_and_numbers_are_mixed_too(sources, source, loss):  # noqa: F811
    run = make_run_of(sources[source], 1, Mixup(0.5), MLP((8,)), batch_size=3, epochs=1)
    data = examples(run)

    [result] = train_pack([run], data, CPU)

    assert_same_weights(result.weights, trained(run, data, mixed(run, loss)))


def test_what_cannot_be_mixed_is_refused():
    with pytest.raises(InputError) as caught:
        make_run(0, Mixup(0.2), batch_size=1)
    assert str(caught.value) == (
        "trainer.batch_size=1: expected at least 2: regularizer=mixup mixes those of a batch"
    )

    words = Facts((5,), 2, 100, 10, 10, largest=40)
    run = make_run(0, Mixup(0.2))
    run.check(words)  # a built-in network takes them as numbers
    with pytest.raises(InputError) as caught:
        replace(run, data=object(), model=OwnModel("mine")).check(words)
    assert str(caught.value) == (
        "regularizer=mixup: expected another: the inputs are whole numbers, which a network of "
        "your own looks up"
    )
