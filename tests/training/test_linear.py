import pytest
import torch

from regsweep.training.linear import linear, product
from regsweep.training.pack import numerics


def randn(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("shared", [True, False])
def test_a_layer_and_its_gradients_are_those_of_plain_products(shared):
    weight, bias = randn(3, 5, 4, dtype=torch.float64), randn(3, 5, dtype=torch.float64)
    x = randn(1 if shared else 3, 4, 6, dtype=torch.float64)
    inputs = [t.requires_grad_() for t in ([weight, bias] if shared else [weight, bias, x])]
    pull = randn(3, 5, 6, dtype=torch.float64)

    output = linear(weight, bias, x)

    expected = weight @ x + bias.unsqueeze(2)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(
        torch.autograd.grad((output * pull).sum(), inputs),
        torch.autograd.grad((expected * pull).sum(), inputs),
    )


@pytest.mark.parametrize("precision", ["highest", "medium"])
@pytest.mark.parametrize("batch", [1, 2, 7, 10, 31, 32, 100, 128])
def test_every_runs_product_has_the_bits_that_it_has_alone(batch, precision):
    with numerics(precision):
        for out, features in [(64, 784), (10, 784), (3, 17), (1, 5), (32, 64)]:
            weight = randn(16, out, features)
            images = randn(1, batch, features).mT  # one batch for all, an image a row
            own = randn(16, features, batch)
            alone = torch.cat([product(one, images) for one in weight.split(1)])
            for width in (2, 5, 16):
                together = product(weight[:width].clone(), images)
                assert torch.equal(together, alone[:width])
                unshared = images.mT.expand(width, -1, -1).contiguous().mT
                assert torch.equal(product(weight[:width].clone(), unshared), alone[:width])
            alone = torch.cat(
                [product(a, b) for a, b in zip(weight.split(1), own.split(1), strict=True)]
            )
            assert torch.equal(product(weight[:5].clone(), own[:5].clone()), alone[:5])
            assert torch.equal(product(weight, own), alone)
