"""What one more run costs: regsweep against three ways to do the same without it.

All train the MLP 784-64-32-10 under an L2 penalty with Adam, on the same number of MNIST images,
for the same epochs and batch size, on all cores of the machine:

- the article's loop (``article_loop.py``): one run after the other, no validation
- the user's app (``user_app/``): Hydra, its Optuna sweeper and joblib launcher, all stock, one
  single-threaded process per core, data in memory, fused Adam, validation after each epoch
- scikit-learn (``scikit_loop.py``): one process per core, validation once
- regsweep: ``python -m regsweep -m``, validation after each epoch, records, tables

Each is timed as whole commands of n and of 4n runs. A run costs ``(t(4n) - t(n)) / 3n``, and the
start-up, which is paid once, is ``t(n) - n * cost``. regsweep and the user's app sweep in
rounds of at most 32 runs. A cold start is regsweep's with an empty compile cache.

At batch 10 a run is one epoch of 30,000 images, at batch 128 two of 50,000. What a run costs
besides its steps (configuration, evaluation, records) is in all of it, so a longer run gains more.
"""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from benchmarks.measure import (
    QUICK_OVERRIDES,
    Row,
    alternate,
    cores,
    publish,
    quick_folder,
    ratios,
    row,
    seconds,
    sweep_seconds,
)

ARTICLE, USER, SCIKIT, REGSWEEP = "article's loop", "user's app", "scikit-learn", "regsweep"
COLD = "regsweep, cold"
SCALE = 4


@dataclass(frozen=True)
class Work:
    """What a run is, how many times as cheap regsweep's is to be, whether cold starts count."""

    batch_size: int
    epochs: int
    images: int
    aims: dict[str, float]
    cold: bool = False


@dataclass(frozen=True)
class Settings:
    """``runs`` is n, the runs of the smaller of the two commands.

    Where regsweep's sweeps are ``compiled``, the compile cache is filled before anything counts.
    """

    works: tuple[Work, ...]
    runs: dict[str, int]
    round_size: int
    processes: int
    repeats: int
    compiled: bool
    overrides: tuple[str, ...] = ()


FULL = Settings(
    works=(
        Work(batch_size=10, epochs=1, images=30_000, aims={ARTICLE: 40, USER: 4}),
        Work(batch_size=128, epochs=2, images=50_000, aims={ARTICLE: 25, USER: 2.5}, cold=True),
    ),
    runs={ARTICLE: 1, USER: 8, SCIKIT: 2, REGSWEEP: 32},
    round_size=32,
    processes=cores(),
    repeats=5,
    compiled=True,
    overrides=("trainer.compile=true",),
)
QUICK = Settings(
    works=(Work(batch_size=10, epochs=1, images=200, aims={ARTICLE: 40}),),
    runs={ARTICLE: 1, USER: 1, SCIKIT: 1, REGSWEEP: 1},
    round_size=16,
    processes=1,
    repeats=1,
    compiled=False,
    overrides=QUICK_OVERRIDES,
)


def article(work: Work, runs: int) -> float:
    """Seconds of the article's loop over ``runs`` runs."""
    return seconds(["benchmarks.article_loop", *_arguments(work, runs)])


def scikit(settings: Settings, work: Work, runs: int) -> float:
    """Seconds of scikit-learn over ``runs`` runs."""
    processes = f"--processes={settings.processes}"
    return seconds(["benchmarks.scikit_loop", *_arguments(work, runs), processes])


def _arguments(work: Work, runs: int) -> list[str]:
    return [
        f"--runs={runs}",
        f"--batch-size={work.batch_size}",
        f"--epochs={work.epochs}",
        f"--images={work.images}",
    ]


def user(settings: Settings, work: Work, runs: int) -> float:
    """Seconds of the user's sweep of ``runs`` runs."""
    with tempfile.TemporaryDirectory() as folder:
        return seconds(
            [
                "benchmarks.user_app.app",
                "-m",
                f"batch_size={work.batch_size}",
                f"epochs={work.epochs}",
                f"train_size={work.images}",
                f"hydra.sweeper.n_trials={runs}",
                f"hydra.sweeper.n_jobs={settings.round_size}",
                f"hydra.launcher.n_jobs={settings.processes}",
                f"hydra.sweep.dir={folder}",
            ]
        )


def regsweep(
    settings: Settings, settled: dict[str, Any], work: Work, runs: int, **environment: str
) -> float:
    """Seconds of a regsweep sweep of ``runs`` runs."""
    overrides = (
        f"trainer.batch_size={work.batch_size}",
        f"trainer.epochs={work.epochs}",
        f"data.train_size={work.images}",
        *settings.overrides,
    )
    return sweep_seconds(runs, settings.round_size, overrides, settled, **environment)


def regsweep_cold(settings: Settings, settled: dict[str, Any], work: Work, runs: int) -> float:
    """The same with an empty compile cache."""
    with tempfile.TemporaryDirectory() as cache:
        return regsweep(settings, settled, work, runs, TORCHINDUCTOR_CACHE_DIR=cache)


def measure(settings: Settings, settled: dict[str, Any], work: Work) -> list[Row]:
    """The rows of one batch size."""
    sides: dict[str, Callable[[int], float]] = {
        ARTICLE: partial(article, work),
        USER: partial(user, settings, work),
        SCIKIT: partial(scikit, settings, work),
        REGSWEEP: partial(regsweep, settings, settled, work),
    }
    n = settings.runs
    cases = {
        f"{side}, {runs} runs": partial(run_side, runs)
        for side, run_side in sides.items()
        for runs in (n[side], SCALE * n[side])
    }
    if work.cold:
        cases[COLD] = partial(regsweep_cold, settings, settled, work, n[REGSWEEP])
    if settings.compiled:
        sides[REGSWEEP](n[REGSWEEP])
    taken = alternate(cases, settings.repeats)
    costs, starts = {}, {}
    for side in sides:
        few, many = (taken[f"{side}, {runs} runs"] for runs in (n[side], SCALE * n[side]))
        costs[side] = per_run(few, many, n[side])
        starts[side] = start_up(few, costs[side], n[side])
    if work.cold:
        starts[COLD] = start_up(taken[COLD], costs[REGSWEEP], n[REGSWEEP])
    batch = f"batch {work.batch_size}"
    return [
        *(row(f"{batch}: a run, {side}", "s", values) for side, values in costs.items()),
        *(row(f"{batch}: start-up, {side}", "s", values) for side, values in starts.items()),
        *(
            row(
                f"{batch}: a run, {side} over regsweep",
                "x",
                ratios(costs[side], costs[REGSWEEP]),
                work.aims.get(side),
            )
            for side in (ARTICLE, USER, SCIKIT)
        ),
    ]


def per_run(few: list[float], many: list[float], n: int) -> list[float]:
    """``(t(4n) - t(n)) / 3n`` of each repeat."""
    return [(b - a) / ((SCALE - 1) * n) for a, b in zip(few, many, strict=True)]


def start_up(few: list[float], costs: list[float], n: int) -> list[float]:
    """``t(n) - n * cost`` of each repeat."""
    return [a - n * cost for a, cost in zip(few, costs, strict=True)]


def main() -> None:
    """Measure both batch sizes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    settled: dict[int, dict[str, Any]] = {work.batch_size: {} for work in settings.works}
    rows = [
        one for work in settings.works for one in measure(settings, settled[work.batch_size], work)
    ]
    publish("cost", asdict(settings) | {"settled": settled}, rows, folder)


if __name__ == "__main__":
    main()
