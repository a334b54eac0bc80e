import pytest
import torch
from torch import nn

from regsweep.training.loss import example_losses, hits, mean_losses


def test_losses_and_hits_are_those_of_each_run():
    logits = torch.randn(3, 10, 8, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(8).expand(3, 8)

    losses = example_losses(logits, labels)

    for i in range(3):
        assert losses[i].mean().item() == pytest.approx(
            nn.CrossEntropyLoss()(logits[i].mT, labels[i]).item(), rel=1e-6
        )
        assert hits(logits, labels)[i] == (logits[i].argmax(0) == labels[i]).sum()


def test_mean_losses_have_the_gradient_of_cross_entropy():
    logits = torch.randn(3, 10, 8, generator=torch.Generator().manual_seed(1), requires_grad=True)
    labels = torch.randint(10, (3, 8), generator=torch.Generator().manual_seed(2))
    weights = torch.tensor([1.0, 2.0, -3.0])

    losses = mean_losses(logits, labels)
    [gradient] = torch.autograd.grad((losses * weights).sum(), logits)

    plain = torch.stack(
        [nn.CrossEntropyLoss()(own.mT, right) for own, right in zip(logits, labels, strict=True)]
    )
    [expected] = torch.autograd.grad((plain * weights).sum(), logits)
    torch.testing.assert_close(losses, plain)
    torch.testing.assert_close(gradient, expected)
