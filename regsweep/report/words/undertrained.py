"""What is said of networks that were hardly trained: a regularizer of them tells little."""

from collections.abc import Iterator, Mapping

import pandas as pd

from regsweep.records.task import loss_of
from regsweep.report.words.view import joined

# Steps of the optimizer; 400 rows at the default batch and epochs make 30.
FEW_STEPS = 500
# A training loss that falls by a larger share in the last epoch would fall further.
FALLS = 0.01
# More arms are counted.
MOST_NAMED = 8


def few_steps(steps: int | None) -> Iterator[str]:
    """A sentence, where a run of so many steps is hardly trained."""
    if steps is not None and steps < FEW_STEPS:
        yield (
            f"Undertrained: a run takes {steps} steps, and below {FEW_STEPS} a network has hardly "
            "learned; give more trainer.epochs or a smaller trainer.batch_size."
        )


def still_falling(curves: pd.DataFrame, names: Mapping[str, str]) -> Iterator[str]:
    """A sentence, where the training loss of winners fell by more than 1 % in their last epoch.

    ``curves`` are those of one sweep's confirm runs; ``names`` are what its arms are called. The
    loss of an epoch is the mean over the seeds.
    """
    loss = loss_of("train")
    falls: dict[str, float] = {}
    for arm, curve in curves.groupby("arm"):
        means = pd.to_numeric(curve[loss], errors="coerce").groupby(curve["epoch"]).mean()
        if len(means) > 1:
            before, last = means.iloc[-2:]
            if before > 0 and last < (1 - FALLS) * before:
                falls[str(arm)] = 1 - last / before
    if falls:
        shares = sorted({f"{100 * fall:.0f}" for fall in falls.values()}, key=float)
        by = shares[0] if len(shares) == 1 else f"{shares[0]} to {shares[-1]}"
        named = joined([names.get(arm, arm) for arm in falls])
        whose = named if len(falls) <= MOST_NAMED else f"{len(falls)} arms"
        yield (
            f"The training loss still fell by {by} % in the last epoch ({whose}): trained longer, "
            "arms may compare otherwise (trainer.epochs)."
        )
