"""Which scores a table of runs or of arms holds: the names of its columns say it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from regsweep.records.task import PARTS, SCORES, Score, scores_in

_METRICS = frozenset(score.of(part) for score in SCORES.values() for part in PARTS)


def scores_of(table: pd.DataFrame) -> tuple[Score, ...]:
    """The scores that some row has a value of; where none has, those that have a column.

    Of a comparison those are the means over seeds: ``test_accuracy_mean``.
    """
    columns = [name for name in table.columns if _metric(name) in _METRICS]
    held = [name for name in columns if table[name].notna().any()]
    return scores_in(map(_metric, held or columns))


def score_of_row(row: "Mapping[Any, Any] | pd.Series[Any]") -> Score:
    """The score that this row of a table has a value of."""
    held = (name for name in map(str, row.keys()) if _metric(name) in _METRICS)
    return scores_in(_metric(name) for name in held if pd.notna(row[name]))[0]


def _metric(column: str) -> str:
    return column.removesuffix("_mean")
