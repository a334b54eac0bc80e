import pytest
import torch
from torch import nn

from regsweep.settings.optimizer import SGD, Adam, RMSprop
from regsweep.settings.regularizer import L1, L2, Elastic, NoRegularizer, WeightDecay
from regsweep.training.optimizer import pack_optimizer
from regsweep.training.penalty import pack_coefficients

CPU = torch.device("cpu")
STEPS = 100
RMS = RMSprop(1e-3, 0.99, 1e-8, 0.0)
NONE = NoRegularizer("all")


def descend(optimizers, regularizers, steps=STEPS):
    """A least-squares problem, the same for every run, from the same start."""
    runs = len(optimizers)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 6, generator=generator)
    target = torch.randn(4, 6, generator=generator)
    parameters = {"0.weight": start.expand(runs, 4, 6).clone().requires_grad_()}
    optimizer = pack_optimizer(optimizers, parameters)
    coefficients = pack_coefficients(regularizers, CPU)
    for _ in range(steps):
        loss = (parameters["0.weight"] - target).square().sum()
        (gradient,) = torch.autograd.grad(loss, [parameters["0.weight"]])
        with torch.no_grad():
            optimizer.step(parameters, {"0.weight": gradient}, coefficients)
    return parameters["0.weight"].detach()


def descend_with(make, steps=STEPS):
    """The same problem with an optimizer of PyTorch's own."""
    generator = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(4, 6, generator=generator))
    target = torch.randn(4, 6, generator=generator)
    optimizer = make([weight])
    for _ in range(steps):
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    return weight.detach()


PARITY = {
    "adam": (Adam(1e-2), NONE, lambda p: torch.optim.Adam(p, lr=1e-2)),
    "adam coupled": (
        Adam(1e-2),
        WeightDecay(0.3, False, "all"),
        lambda p: torch.optim.Adam(p, lr=1e-2, weight_decay=0.3),
    ),
    "adam decoupled": (
        Adam(1e-2),
        WeightDecay(0.3, True, "all"),
        lambda p: torch.optim.AdamW(p, lr=1e-2, weight_decay=0.3),
    ),
    "sgd": (SGD(1e-2, 0.0), NONE, lambda p: torch.optim.SGD(p, lr=1e-2)),
    "sgd momentum": (SGD(1e-2, 0.9), NONE, lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9)),
    "sgd momentum coupled": (
        SGD(1e-2, 0.9),
        WeightDecay(0.3, False, "all"),
        lambda p: torch.optim.SGD(p, lr=1e-2, momentum=0.9, weight_decay=0.3),
    ),
    "rmsprop": (RMS, NONE, lambda p: torch.optim.RMSprop(p, lr=1e-3)),
    "rmsprop of other numbers": (
        RMSprop(1e-3, 0.9, 1e-3, 0.5),
        NONE,
        lambda p: torch.optim.RMSprop(p, lr=1e-3, alpha=0.9, eps=1e-3, momentum=0.5),
    ),
    "rmsprop coupled": (
        RMS,
        WeightDecay(0.3, False, "all"),
        lambda p: torch.optim.RMSprop(p, lr=1e-3, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize("case", PARITY)
def test_follows_pytorchs_optimizer(case):
    optimizer, regularizer, make = PARITY[case]
    beside = {Adam: Adam(0.5), SGD: SGD(0.1, 0.5), RMSprop: RMSprop(0.1, 0.5, 1e-2, 0.9)}

    together = descend([beside[type(optimizer)], optimizer], [L1(0.1, "all"), regularizer])

    torch.testing.assert_close(together[1], descend_with(make), rtol=2e-6, atol=1e-6)


def pair(first, second, optimizer=None):
    optimizer = optimizer or Adam(1e-2)
    return descend([optimizer, optimizer], [first, second])


@pytest.mark.parametrize(
    "zero",
    [
        L1(0.0, "all"),
        L2(0.0, "all"),
        Elastic(0.0, 0.5, "all"),
        WeightDecay(0.0, True, "all"),
        WeightDecay(0.0, False, "all"),
    ],
    ids=str,
)
def test_weight_0_equals_none_bit_for_bit(zero):
    # Beside a run that uses every term, so that the zero coefficient is really applied.
    full = descend([Adam(1e-2)] * 4, [zero, NONE, Elastic(1.0, 0.5, "all"), L1(1.0, "all")])
    alone = descend([Adam(1e-2)], [NONE])

    assert torch.equal(full[0], full[1])
    assert torch.equal(full[1], alone[0])


def test_l2_equals_coupled_decay_at_twice_the_weight_under_adam():
    both = pair(L2(0.15, "all"), WeightDecay(0.3, False, "all"))

    torch.testing.assert_close(both[0], both[1], rtol=1e-6, atol=1e-6)


def test_coupled_and_decoupled_decay_differ_under_adam():
    both = pair(WeightDecay(0.3, False, "all"), WeightDecay(0.3, True, "all"))

    assert (both[0] - both[1]).abs().max() > 1e-2


def test_coupled_and_decoupled_decay_agree_under_plain_sgd():
    both = pair(WeightDecay(0.3, False, "all"), WeightDecay(0.3, True, "all"), SGD(1e-2, 0.0))

    torch.testing.assert_close(both[0], both[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("ratio", "other"), [(1.0, L1(0.2, "all")), (0.0, L2(0.2, "all"))])
def test_elastic_at_its_ends_is_l1_and_l2(ratio, other):
    both = pair(Elastic(0.2, ratio, "all"), other)

    assert torch.equal(both[0], both[1])


def test_scope_weights_leaves_biases_alone():
    parameters = {"0.bias": torch.ones(2, 3)}
    optimizer = pack_optimizer([SGD(1.0, 0.0)] * 2, parameters)
    coefficients = pack_coefficients(
        [WeightDecay(0.5, True, "weights"), WeightDecay(0.5, True, "all")], CPU
    )

    optimizer.step(parameters, {"0.bias": torch.zeros(2, 3)}, coefficients)

    assert parameters["0.bias"].tolist() == [[1.0] * 3, [0.5] * 3]


def test_kinds_do_not_mix():
    with pytest.raises(ValueError, match="must share one kind of optimizer"):
        pack_optimizer([Adam(1e-3), SGD(1e-3, 0.9)], {"0.weight": torch.zeros(2, 1, 1)})


@pytest.mark.parametrize(
    "optimizer", [Adam(1e-3), SGD(0.1, 0.9), RMS], ids=["adam", "sgd", "rmsprop"]
)
def test_no_state_is_a_scalar(optimizer):
    """What some releases of PyTorch compile loses what is written to one of float64."""
    state = pack_optimizer([optimizer], {"w": torch.zeros(1, 3, 2)}).tensors()

    assert all(tensor.dim() > 0 for tensor in state)
