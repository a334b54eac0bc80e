import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from regsweep.data.dataset import Dataset, Examples
from regsweep.errors import InputError
from regsweep.records.task import ROC_AUC
from regsweep.training.score import balanced_accuracy, check_defined, r2, roc_auc

GENERATOR = torch.Generator().manual_seed(0)
# Of three runs; rounded, so that some rows are tied.
OUTPUTS = {k: torch.randn(3, k, 60, generator=GENERATOR).mul(4).round() / 4 for k in (1, 2, 3, 4)}
CLASSES = {k: torch.arange(60) % 7 % k for k in (2, 3, 4)}  # some rarer than others
LABELS = {k: torch.randint(2, (60, k), generator=GENERATOR).float() for k in (1, 3)}


@pytest.mark.parametrize("columns", [1, 4])
def test_r2_is_scikit_learns(columns):
    targets = torch.randn(60, columns, generator=GENERATOR)
    outputs = targets.mT + OUTPUTS[columns]

    for own, found in zip(outputs, r2(outputs, targets), strict=True):
        assert found.item() == pytest.approx(r2_score(targets.double(), own.mT.double()), rel=1e-12)


@pytest.mark.parametrize("classes", CLASSES)
def test_scores_of_classes_are_scikit_learns(classes):
    outputs, targets = OUTPUTS[classes], CLASSES[classes]

    balanced, areas = balanced_accuracy(outputs, targets), roc_auc(outputs, targets)

    for i, own in enumerate(outputs):
        # The softmax of two would round ties apart, and their difference ranks as it does.
        ranked = own[1] - own[0] if classes == 2 else own.double().softmax(0).mT.numpy()
        assert balanced[i].item() == pytest.approx(
            balanced_accuracy_score(targets, own.argmax(0)), rel=1e-12
        )
        assert areas[i].item() == pytest.approx(
            roc_auc_score(targets, ranked, multi_class="ovr", average="macro"), rel=1e-12
        )


@pytest.mark.parametrize("labels", LABELS)
def test_scores_of_labels_are_scikit_learns(labels):
    outputs, targets = OUTPUTS[labels], LABELS[labels]

    areas = roc_auc(outputs, targets)

    for i, own in enumerate(outputs):
        assert areas[i].item() == pytest.approx(roc_auc_score(targets, own.mT), rel=1e-12)
        if labels == 1:
            assert balanced_accuracy(outputs, targets)[i].item() == pytest.approx(
                balanced_accuracy_score(targets[:, 0], own[0] > 0), rel=1e-12
            )


def test_a_class_that_no_row_is_of_does_not_count():
    targets = torch.tensor([0, 2, 2])
    outputs = torch.eye(3)[[0, 2, 0]].mT.unsqueeze(0)  # right, right, wrong

    assert balanced_accuracy(outputs, targets).tolist() == [(1 + 0.5) / 2]


def test_a_part_in_which_a_score_is_not_defined_is_refused():
    def examples(targets):
        return Examples(torch.zeros(len(targets), 2), torch.tensor(targets))

    both, one = examples([0, 1, 1]), examples([1, 1, 1])
    check_defined(Dataset(both, None, both, 2), ROC_AUC)
    with pytest.raises(InputError) as caught:
        check_defined(Dataset(both, one, None, 2), ROC_AUC, ("ill", "well"))
    assert str(caught.value) == (
        "score=roc_auc: expected auto: the validation part has only rows of well, and ROC AUC "
        "needs others"
    )
    labels = examples(np.array([[0.0, 1.0], [0.0, 0.0]]))
    with pytest.raises(InputError, match="the training part has no row of wet, and ROC AUC needs"):
        check_defined(Dataset(labels, None, None, 2, "binary"), ROC_AUC, ("wet", "cold"))
