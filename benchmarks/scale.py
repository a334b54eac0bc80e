"""Where a sweep on many workers saturates: 100,000 runs on up to 1,000 workers, by simulation.

Measured here, on this machine: what the leading process takes for a trial of TPE over two keys, to
ask for it, to tell its result, and to write it to the index in SQLite, in rounds that grow. From
``results/``:
what a run costs beside its training (``framework``: its composing, its job and its record, by a
leading process and two workers; where workers publish, it is less), and the gathering of 100,000
records (``gather``).

Simulated: a sweep in rounds of as many runs as all workers train at once, in packs of 16.
The leading process asks for a round, hands out its packs, takes each as it ends, and tells the
round; while it waits for packs it writes the index, of which the rest is written at the end. A
worker's packs take as long as those of the default comparison's runs, or 10 and 100 times as long,
give or take 10 %. A share of the leading process is its busy time over that of the sweep.
"""

import heapq
import json
import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import optuna
from optuna.trial import TrialState

from benchmarks.finalists import ARMS, SAMPLER
from benchmarks.measure import RESULTS, Row, publish, quick_folder, row
from regsweep.compare.index import Index
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Outcome, Studies
from regsweep.sweep.internals import distributions_of

WIDTH = 16  # of a pack
SPREAD = 0.1


@dataclass(frozen=True)
class Settings:
    """``rounds`` are the trials of the rounds that are measured, one after the other."""

    rounds: tuple[int, ...]
    runs: int
    workers: tuple[int, ...]
    run_seconds: tuple[float, ...]


# 1.6 s: 10 epochs of 50,000 images in batches of 128, a run's share of a pack on one core.
FULL = Settings((16, 240, 1024, 2720), 100_000, (2, 10, 30, 100, 300, 1000), (1.6, 16.0, 160.0))
QUICK = Settings((2, 4), 1000, (2, 10), (1.6,))


@dataclass(frozen=True)
class Costs:
    """Seconds of the leading process: of a trial, its index, a run beside it; to gather all."""

    trial: float
    index: float
    run: float
    gather: float


def trial_seconds(settings: Settings) -> dict[int, tuple[float, float, float]]:
    """Seconds to ask for a trial, to tell and to write it, by the trials that were there then."""
    space, _ = distributions_of(list(ARMS["elastic"]))
    taken, draw = {}, random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        index = Index(open_storage(None, Path(folder)), ["elastic"])
        studies = Studies(["elastic"], [space], SAMPLER, 0, index)
        first = 0
        for size in settings.rounds:
            numbers = range(first, first + size)
            started = time.perf_counter()
            for number in numbers:
                studies.params(0, number, None)
            asked = time.perf_counter()
            for number in numbers:
                studies.tell(0, number, Outcome(TrialState.COMPLETE, draw.random()))
            told = time.perf_counter()
            index.write()
            written = time.perf_counter()
            first += size
            taken[first] = (
                (asked - started) / size,
                (told - asked) / size,
                (written - told) / size,
            )
            print(f"{first} trials: {taken[first]}", flush=True)
    return taken


@dataclass(frozen=True)
class Outcomes:
    """Of one simulated sweep: its ``seconds``, and the busy share of workers and leader."""

    seconds: float
    workers: float
    leader: float


def simulate(workers: int, runs: int, run_seconds: float, costs: Costs) -> Outcomes:
    """A sweep, round by round; packs go to the worker that is free first."""
    draw = random.Random(0)
    now = busy = led = unwritten = 0.0
    left = runs
    while left > 0:
        asked = min(left, workers * WIDTH)
        left -= asked
        now += asked * costs.trial
        led += asked * (costs.trial + costs.index + costs.run)
        began = now
        ends = [now] * workers
        for start in range(0, asked, WIDTH):
            width = min(WIDTH, asked - start)
            taken = width * run_seconds * draw.uniform(1 - SPREAD, 1 + SPREAD)
            heapq.heapreplace(ends, ends[0] + taken)
            busy += taken
        published = now
        for end in sorted(ends):  # each pack's runs, as it comes back
            published = max(published, end) + costs.run * asked / workers
        now = published
        idle = now - began - asked * costs.run
        unwritten = max(unwritten + asked * costs.index - idle, 0.0)
    now += unwritten + costs.gather
    led += costs.gather
    return Outcomes(now, busy / (workers * now), led / now)


def _value(name: str, what: str) -> float:
    result = json.loads((RESULTS / f"{name}.json").read_text())
    return next(float(one["value"]) for one in result["rows"] if one["what"] == what)


def costs_of(taken: Mapping[int, tuple[float, float, float]]) -> Costs:
    """The costs at the most trials that were measured."""
    ask, tell, index = taken[max(taken)]
    return Costs(
        trial=ask + tell,
        index=index,
        run=1 / _value("framework", "runs a second"),
        gather=_value("gather", "100000 records, the report command"),
    )


def main() -> None:
    """Measure, and simulate every number of workers and length of a run."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    taken = trial_seconds(settings)
    rows: list[Row] = []
    for trials, times in taken.items():
        for what, value in zip(("ask for", "tell", "write"), times, strict=True):
            rows.append(row(f"to {what} a trial, at {trials} of its arm", "ms", [1000 * value]))
    costs = costs_of(taken)
    for seconds in settings.run_seconds:
        for workers in settings.workers:
            found = simulate(workers, settings.runs, seconds, costs)
            words = f"{settings.runs} runs of {seconds:g} s, {workers} workers"
            rows += [
                row(f"{words}: the sweep", "h", [found.seconds / 3600]),
                row(f"{words}: workers at work", "%", [100 * found.workers]),
                row(f"{words}: the leading process at work", "%", [100 * found.leader]),
            ]
    publish("scale", asdict(settings) | {"costs": asdict(costs)}, rows, folder)


if __name__ == "__main__":
    main()
