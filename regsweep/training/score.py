"""The scores that are no mean over rows, of every run over a whole part, as scikit-learn has them.

Outputs are (runs, outputs, n). Targets are classes, int64 (n,), or 0 and 1, or numbers, float32
(n, outputs).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from regsweep.data.dataset import Dataset
from regsweep.errors import bad_value
from regsweep.records.task import BALANCED_ACCURACY, ROC_AUC, Score


def score_of(score: Score, outputs: Tensor, targets: Tensor) -> Tensor:
    """That score of every run, (runs,), float64."""
    if score == BALANCED_ACCURACY:
        return balanced_accuracy(outputs, targets)
    return roc_auc(outputs, targets) if score == ROC_AUC else r2(outputs, targets)


def r2(outputs: Tensor, targets: Tensor) -> Tensor:
    """1 - sum (x - t)^2 / sum (t - mean t)^2, the mean over the outputs.

    No column of ``targets`` is constant.
    """
    numbers = targets.mT.double()
    spread = (numbers - numbers.mean(1, keepdim=True)).square().sum(1)
    off = (outputs.double() - numbers).square().sum(2)
    return (1 - off / spread).mean(1)


def balanced_accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The mean over the classes of the share of a class's rows that are told right."""
    if targets.dtype == torch.int64:
        classes, predicted = outputs.shape[1], outputs.argmax(1)
    else:
        classes, predicted, targets = 2, (outputs[:, 0] > 0).long(), targets[:, 0].long()
    counts = torch.bincount(targets, minlength=classes)
    there = counts > 0
    right = [torch.bincount(targets[own == targets], minlength=classes) for own in predicted]
    return (torch.stack(right)[:, there].double() / counts[there]).mean(1)


def roc_auc(outputs: Tensor, targets: Tensor) -> Tensor:
    """The chance that a row of a class outranks a row of another (Hanley and McNeil, 1982).

    Of more than two classes the mean over each against the rest, ranked by its softmax; of several
    labels the mean over the labels.
    """
    positive = _positive(targets, outputs.shape[1])
    found = []
    for own in outputs:  # each alone, with the bits that it has alone
        if len(own) == len(positive) and targets.dtype == torch.int64:
            own = own.double().softmax(0)
        elif targets.dtype == torch.int64:
            own = (own[1] - own[0]).unsqueeze(0)
        columns = zip(own, positive, strict=True)
        found.append(torch.stack([_area(ranks, which) for ranks, which in columns]).mean())
    return torch.stack(found)


def _positive(targets: Tensor, outputs: int) -> Tensor:
    """Which rows are of a class or have a label, bool (columns, n); one column of two classes."""
    if targets.dtype != torch.int64:
        return targets.mT > 0.5
    classes = torch.arange(outputs, device=targets.device)
    return targets == (classes[1:] if outputs == 2 else classes).unsqueeze(1)


def _area(ranks: Tensor, positive: Tensor) -> Tensor:
    """Of each pair of a positive and another row 1 where the first is ahead, 1/2 where neither."""
    others, ahead = ranks[~positive].sort().values, ranks[positive]
    below = torch.searchsorted(others, ahead) + torch.searchsorted(others, ahead, right=True)
    return below.sum().double() / (2 * len(ahead) * len(others))


def check_defined(data: Dataset, score: Score, names: tuple[str, ...] = ()) -> None:
    """Refuse data with a part of which the ``score`` is not defined; ``names`` are the classes'.

    Raises:
        InputError: the part, and the class that it lacks or that all of its rows are of.
    """
    if score != ROC_AUC:
        return
    parts = {"training": data.train, "validation": data.validation, "test": data.test}
    for part, rows in parts.items():
        positive: Sequence[Tensor] = ()
        if rows is not None:
            positive = list(_positive(rows.targets, data.outputs))
        shown = names[len(names) - len(positive) :] or tuple(map(str, range(len(positive))))
        for name, which in zip(shown, positive, strict=True):
            if which.all() or not which.any():
                found = f"{'only rows' if which.all() else 'no row'} of {name}"
                raise bad_value(
                    "score",
                    score.name,
                    f"auto: the {part} part has {found}, and {score.words} needs others",
                )
