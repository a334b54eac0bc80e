import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from regsweep.data.facts import Facts
from regsweep.errors import InputError
from regsweep.settings.regularizer import LabelSmoothing
from regsweep.training.loss import class_weights, example_losses, hits, mean_losses
from regsweep.training.pack import train_pack
from tests.training.plain import assert_same_weights, trained
from tests.training.test_pack import CPU, make_run


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


OTHERS = {"bce": nn.BCEWithLogitsLoss(), "mse": nn.MSELoss()}


@pytest.mark.parametrize("loss", OTHERS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_losses_of_labels_and_numbers_are_those_of_pytorch(loss, outputs):
    generator = torch.Generator().manual_seed(1)
    found = torch.randn(4, outputs, 10, generator=generator) * 20
    found.requires_grad_()
    targets = torch.randint(2, (4, 10, outputs), generator=generator).float()
    weights = torch.tensor([1.0, 2.0, -3.0, 0.0])

    losses = mean_losses(found, targets, loss)
    [gradient] = torch.autograd.grad((losses * weights).sum(), found)

    plain = torch.stack(
        [OTHERS[loss](own.mT, right) for own, right in zip(found, targets, strict=True)]
    )
    [expected] = torch.autograd.grad((plain * weights).sum(), found)
    torch.testing.assert_close(losses, plain)
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(example_losses(found, targets, loss).mean(1), plain)
    assert losses.isfinite().all()


def test_bce_counts_the_labels_that_are_right():
    outputs = torch.tensor([[[2.0, -1.0], [0.5, 3.0]]])  # (1 run, 2 outputs, 2 rows)
    labels = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])  # (1 run, 2 rows, 2 outputs)

    assert hits(outputs, labels, "bce").tolist() == [2]


@pytest.mark.parametrize("loss", OTHERS)
@pytest.mark.parametrize("outputs", [1, 3, 7])
@pytest.mark.parametrize("batch", [7, 32, 37])
def test_a_runs_loss_has_the_same_bits_at_every_width(loss, outputs, batch):
    generator = torch.Generator().manual_seed(batch)
    found = torch.randn(16, outputs, batch, generator=generator)
    targets = torch.randint(2, (16, batch, outputs), generator=generator).float()
    for width in (1, 2, 5, 16):
        losses, gradients = torch.ops.regsweep.mean_losses(
            found[:width], targets[:width], loss, None, None
        )
        for run in range(width):
            alone, gradient = torch.ops.regsweep.mean_losses(
                found[run : run + 1], targets[run : run + 1], loss, None, None
            )
            assert torch.equal(losses[run], alone[0])
            assert torch.equal(gradients[run], gradient[0])


def test_classes_weigh_what_scikit_learn_calls_balanced():
    classes = torch.tensor([0, 2, 2, 1, 2, 2])
    labels = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]])

    expected = compute_class_weight("balanced", classes=np.arange(3), y=classes.numpy())
    torch.testing.assert_close(class_weights(classes, 3), torch.tensor(expected).float())
    for column, own in zip(labels.mT, class_weights(labels, 2), strict=True):
        expected = compute_class_weight("balanced", classes=np.arange(2), y=column.numpy())
        torch.testing.assert_close(own, torch.tensor(expected).float())


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_weighted_losses_are_those_of_pytorch(loss):
    generator = torch.Generator().manual_seed(1)
    found = torch.randn(4, 3, 10, generator=generator, requires_grad=True)
    if loss == "bce":
        targets = torch.randint(2, (4, 10, 3), generator=generator).float()
        weights = torch.tensor([[1.0, 4.0], [2.0, 0.5], [3.0, 1.0]])
        each = torch.where(targets == 1, weights[:, 1], weights[:, 0]).mT
        plain = binary_cross_entropy_with_logits(found, targets.mT, each, reduction="none")
    else:
        targets = torch.randint(3, (4, 10), generator=generator)
        weights = torch.tensor([1.0, 4.0, 0.5])
        plain = cross_entropy(found, targets, weights, reduction="none")
    expected = plain.flatten(1).mean(1)

    losses = mean_losses(found, targets, loss, weights)

    torch.testing.assert_close(losses, expected)
    [gradient], [other] = (torch.autograd.grad(own.sum(), found) for own in (losses, expected))
    torch.testing.assert_close(gradient, other)
    ones = torch.ones_like(weights)
    assert torch.equal(mean_losses(found, targets, loss, ones), mean_losses(found, targets, loss))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_smoothed_losses_are_those_of_pytorch(loss, weighted):
    generator = torch.Generator().manual_seed(1)
    found = torch.randn(4, 3, 10, generator=generator, requires_grad=True)
    amounts = torch.tensor([0.0, 0.1, 0.5, 0.9])
    if loss == "bce":
        targets = torch.randint(2, (4, 10, 3), generator=generator).float()
        weights = torch.tensor([[1.0, 4.0], [2.0, 0.5], [3.0, 1.0]])
        each = torch.where(targets == 1, weights[:, 1], weights[:, 0]).mT
        smooth = [own * (1 - a) + a / 2 for own, a in zip(targets, amounts, strict=True)]
        plain = binary_cross_entropy_with_logits(found, torch.stack(smooth).mT, reduction="none")
    else:
        targets = torch.randint(3, (4, 10), generator=generator)
        weights = torch.tensor([1.0, 4.0, 0.5])
        each = weights[targets]
        plain = torch.stack(
            [
                cross_entropy(own.mT, right, reduction="none", label_smoothing=a)
                for own, right, a in zip(found, targets, amounts.tolist(), strict=True)
            ]
        )
    expected = (plain * each if weighted else plain).flatten(1).mean(1)
    weights = weights if weighted else None

    losses = mean_losses(found, targets, loss, weights, amounts)

    torch.testing.assert_close(losses, expected)
    [gradient], [other] = (torch.autograd.grad(own.sum(), found) for own in (losses, expected))
    torch.testing.assert_close(gradient, other)
    [hard] = torch.autograd.grad(mean_losses(found, targets, loss, weights).sum(), found)
    assert torch.equal(gradient[0], hard[0])
    assert not torch.equal(gradient[1], hard[1])


def test_recorded_losses_are_not_smoothed(digits):
    run = make_run(3, LabelSmoothing(0.3), epochs=1)

    [result] = train_pack([run], digits, CPU)

    losses = []

    def smoothed(network, inputs, targets, step):
        outputs = network(inputs)
        losses.append(cross_entropy(outputs, targets).item())
        return cross_entropy(outputs, targets, label_smoothing=0.3)

    assert_same_weights(result.weights, trained(run, digits, smoothed))
    assert result.history[0].train_loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_numbers_have_no_label_to_smooth():
    facts = Facts((5,), 1, 100, 10, 10, task="regression", mean=(0.0,), deviation=(1.0,))

    with pytest.raises(InputError) as caught:
        make_run(0, LabelSmoothing(0.1)).check(facts)

    assert str(caught.value) == (
        "regularizer=label_smoothing: expected another: the targets are numbers, of no classes"
    )
