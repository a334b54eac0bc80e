import pytest
import torch

from regsweep.settings.regularizer import L1, L2, Elastic, NoRegularizer, WeightDecay
from regsweep.training.penalty import (
    add_regularizer_gradient,
    pack_coefficients,
    penalty_terms,
)

CPU = torch.device("cpu")
CHOICES = [
    NoRegularizer("all"),
    L1(0.5, "weights"),
    L1(0.5, "all"),
    L2(0.25, "weights"),
    L2(0.25, "all"),
    Elastic(2.0, 0.3, "all"),
    WeightDecay(0.1, False, "all"),
    WeightDecay(0.1, True, "weights"),
]


def parameters():
    generator = torch.Generator().manual_seed(0)
    runs = len(CHOICES)
    weight = torch.randn(runs, 4, 3, generator=generator)
    weight[:, 0, 0] = 0
    return {"1.weight": weight, "1.bias": torch.randn(runs, 4, generator=generator)}


def by_autograd(i, stacked):
    """The penalty of run i as the article writes it: over all of one run's parameters."""
    choice = CHOICES[i]
    own = {name: value[i].clone().requires_grad_() for name, value in stacked.items()}
    chosen = [v for k, v in own.items() if choice.scope == "all" or k == "1.weight"]
    flat = torch.cat([value.view(-1) for value in chosen])
    c = choice.coefficients()
    penalty = c.l1 * flat.abs().sum() + c.l2 * flat.square().sum()
    # Coupled decay adds weight_decay * w to the gradient, and nothing to the loss.
    pulled = penalty + c.weight_decay / 2 * flat.square().sum()
    gradients = torch.autograd.grad(pulled, list(own.values()), allow_unused=True)
    return penalty.item(), {
        name: torch.zeros_like(own[name]) if g is None else g
        for name, g in zip(own, gradients, strict=True)
    }


@pytest.mark.parametrize("i", range(len(CHOICES)), ids=lambda i: str(CHOICES[i]))
def test_value_and_gradient_are_those_of_the_formula(i):
    stacked = parameters()
    coefficients = pack_coefficients(CHOICES, CPU)
    penalty, gradients = by_autograd(i, stacked)

    l1, l2 = penalty_terms(stacked, coefficients)

    assert (l1 + l2)[i].item() == pytest.approx(penalty, rel=1e-6)
    for name, value in stacked.items():
        mine = torch.zeros_like(value)
        add_regularizer_gradient(mine, value, coefficients)
        torch.testing.assert_close(mine[i], gradients[name], rtol=1e-6, atol=0)


def test_decay_is_no_part_of_the_loss():
    coefficients = pack_coefficients(CHOICES[-2:], CPU)

    assert coefficients.l1 is None
    assert coefficients.l2 is None
