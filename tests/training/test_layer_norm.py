import pytest
import torch
from torch import nn

from regsweep.training.layer_norm import layer_norm


def tensors(features, batch):
    """Scales, shifts, inputs of 16 runs, and what pulls at their outputs."""
    generator = torch.Generator().manual_seed(features + batch)
    shapes = [(features,), (features,), (features, batch), (features, batch)]
    return [torch.randn(16, *shape, generator=generator) for shape in shapes]


def both_ways(weight, bias, x, pull):
    """The output, and the gradients of weight, bias and ``x``."""
    inputs = [value.clone().requires_grad_() for value in (weight, bias, x)]
    output = layer_norm(*inputs, eps=1e-5)
    return [output.detach(), *torch.autograd.grad(output, inputs, pull)]


@pytest.mark.parametrize("shape", [(17, 1), (3, 5), (64, 10), (50, 37)], ids=str)
def test_every_run_has_pytorchs_numbers_and_the_bits_that_it_has_alone(shape):
    given = tensors(*shape)

    together = both_ways(*given)

    for i in range(16):
        alone = both_ways(*(value[i : i + 1].clone() for value in given))
        assert all(torch.equal(mine[0], its[i]) for mine, its in zip(alone, together, strict=True))
        layer = nn.LayerNorm(shape[0])
        layer.load_state_dict({"weight": given[0][i], "bias": given[1][i]})
        x = given[2][i].mT.clone().requires_grad_()
        output = layer(x)
        pulled = torch.autograd.grad(output, [layer.weight, layer.bias, x], given[3][i].mT)
        expected = [output.detach().mT, *pulled[:2], pulled[2].mT]
        for its, pytorchs in zip(together, expected, strict=True):
            torch.testing.assert_close(its[i], pytorchs, rtol=1e-4, atol=1e-5)
