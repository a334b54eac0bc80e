"""What a run costs beside its training: sweeps of 100 and of 500 runs of one step, by the command.

A run trains one step of 10 images and validates on 100, so all but nothing of it is composing,
its Hydra job, its folder, its record and its row in the tables. Optuna samples at random and
keeps its study in memory. Sweeps of both sizes alternate; a run more costs
``(t(500) - t(100)) / 400``, its step included.
"""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks.measure import alternate, publish, quick_folder, row, sweep_seconds

OVERRIDES = (
    "trainer.epochs=1",
    "trainer.batch_size=10",
    "data.train_size=10",
    "data.validation_size=100",
    "hydra.sweeper.storage=null",
)
MOST_SECONDS = 0.025  # a run, at most


@dataclass(frozen=True)
class Settings:
    """The two sizes, in runs, and the runs of a round."""

    fewer: int
    more: int
    round_size: int
    repeats: int


FULL = Settings(fewer=100, more=500, round_size=64, repeats=5)
QUICK = Settings(fewer=1, more=3, round_size=64, repeats=1)


def main() -> None:
    """Measure both sizes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    settled: dict[str, Any] = {}
    sweep = partial(
        sweep_seconds, round_size=settings.round_size, overrides=OVERRIDES, settled=settled
    )
    sizes = (settings.fewer, settings.more)
    taken = alternate({runs: partial(sweep, runs) for runs in sizes}, settings.repeats)
    rows = [row(f"a sweep of {runs} runs", "s", values) for runs, values in taken.items()]
    both = zip(*taken.values(), strict=True)
    costs = [(more - fewer) / (settings.more - settings.fewer) for fewer, more in both]
    rows.append(row("a run more", "ms", [1000 * cost for cost in costs]))
    rates = [1 / cost for cost in costs]
    rows.append(row("runs a second", "1/s", rates, aim=1 / MOST_SECONDS))
    publish("framework", asdict(settings) | {"settled": settled}, rows, folder)


if __name__ == "__main__":
    main()
