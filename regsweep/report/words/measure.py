"""What an arm is judged on, in words: its name, its direction and its unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from regsweep.report.tables.scores import score_of_row
from regsweep.report.words.numbers import short


@dataclass(frozen=True)
class Measure:
    """What an arm is judged on, the direction of the better, and how a difference is shown."""

    name: str
    better: str
    worse: str
    unit: str = ""
    scale: int = 1

    def difference(self, row: "Mapping[str, Any] | pd.Series[Any]") -> str:
        """``test loss lower by 0.0023 (0.00068 to 0.0039)``."""
        direction = self.better if row["improvement_mean"] >= 0 else self.worse
        return f"{self.name} {direction} by {self.size(row)}"

    def size(self, row: "Mapping[str, Any] | pd.Series[Any]") -> str:
        """``0.0023 (0.00068 to 0.0039)``: how much better, or worse, a row's arm is."""
        mean, low, high = (
            self.scale * row[f"improvement_{part}"] for part in ("mean", "ci_low", "ci_high")
        )
        if mean < 0:
            mean, low, high = -mean, -high, -low
        return f"{short(mean)}{self.unit} ({short(low)} to {short(high)}{self.unit})"


def measure_of(row: "Mapping[str, Any] | pd.Series[Any]") -> Measure:
    """An error is named where it is shown in percent; of a number 1 - score is no usual word."""
    if row["metric"] == "test_loss":
        return Measure("test loss", "lower", "higher")
    score = score_of_row(row)
    if score.in_percent:
        return Measure(f"test {score.error}", "lower", "higher", " points", 100)
    return Measure(f"test {score.words}", "higher", "lower")
