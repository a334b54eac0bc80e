import pytest
import torch
from torch import nn

from regsweep.training.activation import activate

SHAPES = [(17, 1), (3, 1), (5, 7), (10, 10), (50, 37), (64, 10)]


def both_ways(layer, x, pull, apply=activate):
    """The output, and the gradient of ``x`` where ``pull`` is that of the output."""
    x = x.clone().requires_grad_()
    output = apply(layer, x)
    (gradient,) = torch.autograd.grad(output, x, pull)
    return output.detach(), gradient


@pytest.mark.parametrize("layer", [nn.GELU(), nn.Tanh(), nn.SiLU()], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_run_has_pytorchs_numbers_and_the_bits_that_it_has_alone(layer, shape):
    generator = torch.Generator().manual_seed(sum(shape))
    x, pull = (torch.randn(16, *shape, generator=generator) for _ in range(2))

    together = both_ways(layer, x, pull)

    pytorchs = both_ways(layer, x, pull, lambda module, x: module(x))
    torch.testing.assert_close(together, pytorchs, rtol=1e-5, atol=1e-6)
    for i in range(16):
        alone = both_ways(layer, x[i : i + 1], pull[i : i + 1])
        assert all(
            torch.equal(mine, its[i : i + 1]) for mine, its in zip(alone, together, strict=True)
        )
