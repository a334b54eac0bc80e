"""Where a sweep on many workers saturates: 100,000 runs on up to 1,000 workers, by simulation.

Measured here, on this machine: what the leading process takes for a trial of TPE over two keys, to
ask for it, to tell its result, and to write it to the index in SQLite, in rounds that grow; and the
processor time that it alone takes for a run which a worker publishes, by sweeps of two sizes on two
workers. From ``results/``: what a run takes that it publishes itself (``engines``), and the
gathering of 100,000 records (``gather``).

Simulated: a sweep in rounds of as many runs as all workers train at once, in packs of 16.
The leading process asks for a round, hands out its packs, takes each as it ends, and tells the
round; while it waits for packs it writes the index, of which the rest is written at the end. A
worker's packs take as long as those of the default comparison's runs, or 10 and 100 times as long,
give or take 10 %. It saturates where a round takes the leading process as long as the workers.
"""

import heapq
import json
import random
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import optuna
from optuna.trial import TrialState

from benchmarks.engines import PUBLISHED_ALONE
from benchmarks.finalists import ARMS, SAMPLER
from benchmarks.framework import OVERRIDES
from benchmarks.measure import (
    RESULTS,
    Row,
    alternate,
    publish,
    quick_folder,
    row,
    run_python,
    sweep_words,
)
from regsweep.compare.index import Index
from regsweep.compare.storage import open_storage
from regsweep.compare.studies import Outcome, Studies
from regsweep.sweep.internals import distributions_of

WIDTH = 16  # of a pack
SPREAD = 0.1


@dataclass(frozen=True)
class Settings:
    """``rounds`` are the trials of the rounds that are measured, one after the other.

    ``fewer`` and ``more`` are the runs of the sweeps whose leading process is measured.
    """

    rounds: tuple[int, ...]
    fewer: int
    more: int
    repeats: int
    runs: int
    workers: tuple[int, ...]
    run_seconds: tuple[float, ...]


# 1.6 s: 10 epochs of 50,000 images in batches of 128, a run's share of a pack on one core.
FULL = Settings(
    rounds=(16, 240, 1024, 2720),
    fewer=100,
    more=500,
    repeats=3,
    runs=100_000,
    workers=(2, 10, 30, 100, 300, 1000),
    run_seconds=(1.6, 16.0, 160.0),
)
QUICK = Settings((2, 4), 1, 3, 1, 1000, (2, 10), (1.6,))
# The command, and then what its process alone has taken of the processor, without its workers.
LEAD = """
import atexit, resource, runpy, sys
own = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
atexit.register(lambda: print(own(), file=sys.stderr))
sys.argv[0] = "regsweep"
runpy.run_module("regsweep", run_name="__main__")
"""


@dataclass(frozen=True)
class Costs:
    """Seconds of the leading process: of a trial, its index, a run beside it; to gather all."""

    trial: float
    index: float
    run: float
    gather: float

    @property
    def each(self) -> float:
        """What a trial of one run takes in all."""
        return self.trial + self.index + self.run


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


def leading_seconds(runs: int) -> float:
    """The processor time of the process that leads a sweep of so many runs on two workers."""
    with tempfile.TemporaryDirectory() as folder:
        words = sweep_words(runs, 64, folder, ("hydra.launcher.workers=2", *OVERRIDES))
        done = run_python(["-c", LEAD, *words])
    return float(done.stderr.split()[-1])


def simulate(workers: int, runs: int, run_seconds: float, costs: Costs) -> float:
    """The share of a sweep's time that its workers are at work.

    Round by round; packs go to the worker that is free first.
    """
    draw = random.Random(0)
    now = busy = unwritten = 0.0
    left = runs
    while left > 0:
        asked = min(left, workers * WIDTH)
        left -= asked
        now += asked * costs.trial
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
    return busy / (workers * now)


def _value(name: str, what: str) -> float:
    result = json.loads((RESULTS / f"{name}.json").read_text())
    return next(float(one["value"]) for one in result["rows"] if one["what"] == what)


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
    sizes = settings.fewer, settings.more
    led = alternate({runs: partial(leading_seconds, runs) for runs in sizes}, settings.repeats)
    both = zip(*led.values(), strict=True)
    leads = [(more - fewer) / (settings.more - settings.fewer) for fewer, more in both]
    rows.append(row("a run that a worker publishes", "ms", [1000 * one for one in leads]))
    ask, tell, index = taken[max(taken)]
    published = {
        "workers publish": statistics.median(leads),
        "the leading process publishes": 1 / _value("engines", PUBLISHED_ALONE),
    }
    for who, run in published.items():
        gather = _value("gather", "100000 records, the report command")
        costs = Costs(ask + tell, index, run, gather)
        for seconds in settings.run_seconds:
            words = f"{who}, runs of {seconds:g} s"
            rows.append(row(f"{words}: saturates at", "workers", [seconds / costs.each]))
            for workers in settings.workers:
                at_work = 100 * simulate(workers, settings.runs, seconds, costs)
                what = f"{words}, {workers} workers, {settings.runs} runs: workers at work"
                rows.append(row(what, "%", [at_work]))
    publish("scale", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
