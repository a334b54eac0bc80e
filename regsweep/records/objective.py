"""What a search minimises, what winners are judged on, which trial wins, which is sparsest."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

from regsweep.records.task import ACCURACY, SCORES

if TYPE_CHECKING:
    import pandas as pd

K = TypeVar("K")

# The twin on the test data of each objective.
JUDGED = {"val_loss": "test_loss", "val_error": "test_error"}


@overload
def measured(values: Mapping[str, float], metric: str) -> float: ...
@overload
def measured(values: "pd.DataFrame", metric: str) -> "pd.Series[float]": ...
def measured(
    values: "Mapping[str, float] | pd.DataFrame", metric: str
) -> "float | pd.Series[float]":
    """A loss or an error, of a run's metrics or of a table's rows.

    ``val_error`` = 1 - the score on the validation data, whichever a run or a row has;
    ``test_error`` likewise.
    """
    part, _, quantity = metric.partition("_")
    if quantity != "error":
        return values[metric]
    names = [score.of(part) for score in SCORES.values() if score.of(part) in values]
    first, *others = names or [ACCURACY.of(part)]
    if isinstance(values, Mapping):
        return 1 - values[first]
    scores = values[first]
    for other in others:  # of the rows of several tasks each has one
        scores = scores.fillna(values[other])
    return 1 - scores


def mean_cost(costs: Iterable[float]) -> float:
    """The objective of a trial: the mean over its runs, which does not depend on their order."""
    values = list(costs)
    return math.fsum(values) / len(values)


def winner(costs: Iterable[tuple[K, float]]) -> K | None:
    """Of trials and their objectives the one of the least, the first of equals."""
    best = min(costs, key=lambda one: one[1], default=None)
    return None if best is None else best[0]


def winner_by_runs(costs: Mapping[K, Sequence[float]]) -> tuple[K, float] | None:
    """Of trials and the objectives of their runs the winner, and its mean over its runs.

    Of those that were run on the most seeds, which are the finalists where there are any, it is the
    one of the least mean, the first of equals. ``None`` of none.
    """
    most = max(map(len, costs.values()), default=0)
    means = {trial: mean_cost(own) for trial, own in costs.items() if len(own) == most}
    best = winner(means.items())
    return None if best is None else (best, means[best])


def sparsest(costs: Mapping[K, float], zeros: Mapping[K, float], won: K, margin: float) -> K:
    """Of the trials that are as good as the one that ``won``, the one with the most weights of 0.

    ``costs`` and ``zeros`` are a trial's mean objective and mean share of zeros over the seeds of
    the search, which all trials have. As good is a cost of at most (1 + ``margin``) times the
    winner's. Of equal shares the winner's is taken, then that of the least cost, then the first.
    """
    as_good = [trial for trial, cost in costs.items() if cost <= (1 + margin) * costs[won]]
    return min(as_good, key=lambda trial: (-zeros[trial], trial != won, costs[trial]))
