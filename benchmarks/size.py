"""How the cost of a sweep grows with its runs: 10, 100 and 1,000, through the command.

A run is short (one epoch of 1,280 images in batches of 128, 1,000 images of validation), so that
what counts is all but the steps: composing configs, asking and telling Optuna, run folders,
records, tables. Sweeps of each size alternate. A run between two sizes costs
``(t(more) - t(fewer)) / (more - fewer)``; a growth of 1 is a cost that does not depend on the size.
"""

from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from benchmarks.measure import (
    QUICK_OVERRIDES,
    alternate,
    publish,
    quick_folder,
    ratios,
    row,
    sweep_seconds,
)


@dataclass(frozen=True)
class Settings:
    """``sizes`` in runs, ascending; ``compiled`` sweeps first fill the compile cache."""

    sizes: tuple[int, ...]
    round_size: int
    images: int
    validation: int
    repeats: int
    compiled: bool
    overrides: tuple[str, ...] = ()


FULL = Settings(
    sizes=(10, 100, 1000),
    round_size=16,
    images=1280,
    validation=1000,
    repeats=5,
    compiled=True,
    overrides=("trainer.compile=true",),
)
QUICK = Settings(
    sizes=(1, 3),
    round_size=16,
    images=256,
    validation=100,
    repeats=1,
    compiled=False,
    overrides=QUICK_OVERRIDES,
)


def main() -> None:
    """Measure all sizes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    overrides = (
        "trainer.epochs=1",
        f"data.train_size={settings.images}",
        f"data.validation_size={settings.validation}",
        *settings.overrides,
    )
    settled: dict[str, Any] = {}
    sweep = partial(
        sweep_seconds, round_size=settings.round_size, overrides=overrides, settled=settled
    )
    if settings.compiled:
        sweep(settings.sizes[0])
    taken = alternate({runs: partial(sweep, runs) for runs in settings.sizes}, settings.repeats)
    rows = [row(f"a sweep of {runs} runs", "s", values) for runs, values in taken.items()]
    costs = []
    for fewer, more in pairwise(settings.sizes):
        both = zip(taken[fewer], taken[more], strict=True)
        costs.append([(b - a) / (more - fewer) for a, b in both])
        rows.append(row(f"a run more, from {fewer} to {more}", "s", costs[-1]))
    rows.append(row("growth: the last of these over the first", "x", ratios(costs[-1], costs[0])))
    publish("size", asdict(settings) | {"settled": settled}, rows, folder)


if __name__ == "__main__":
    main()
