"""What a search minimises, and what its winners are judged on."""

import math
from collections.abc import Iterable, Mapping

# The twin on the test images of each objective.
JUDGED = {"val_loss": "test_loss", "val_error": "test_error"}


def cost(metrics: Mapping[str, float], objective: str) -> float:
    """The objective of a run: ``val_loss``, or ``val_error`` = 1 - ``val_accuracy``."""
    if objective == "val_error":
        return 1 - metrics["val_accuracy"]
    return metrics["val_loss"]


def mean_cost(costs: Iterable[float]) -> float:
    """The objective of a trial: the mean over its runs, which does not depend on their order."""
    values = list(costs)
    return math.fsum(values) / len(values)
