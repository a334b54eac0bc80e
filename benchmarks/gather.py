"""What it takes to gather 1,000 to 100,000 records into tables.

The records are those of a real sweep of all five regularizers, copied into as many run folders as
asked; the copies differ in their trial. Measured is, in turns and in a fresh process each time,

- both tables: from the folder to ``runs.csv`` and ``comparison.csv``, once Python has loaded
- the report command: ``python -m regsweep.report``, which loads and writes ``report.html`` too

The memory is the peak resident set of the process. The copies lie in the page cache.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from shutil import copy

from benchmarks.measure import ROOT, alternate, publish, quick_folder, ratios, row, seconds

# 10,000 in 2 s and 100,000 in 20 s.
RECORDS_A_SECOND = 5_000


@dataclass(frozen=True)
class Settings:
    """``sizes`` in records, ascending; ``trials`` are those of the sweep that is copied."""

    sizes: tuple[int, ...]
    trials: int
    repeats: int


FULL = Settings(sizes=(1_000, 10_000, 100_000), trials=100, repeats=5)
QUICK = Settings(sizes=(10, 20), trials=5, repeats=1)


def sweep(trials: int, folder: Path) -> None:
    """A real sweep with ``trials`` records, of short runs."""
    seconds(
        [
            "regsweep",
            "-m",
            "hydra/sweeper=optuna",
            "hydra/sweeper/sampler=random",
            f"hydra.sweeper.n_trials={trials}",
            f"hydra.sweeper.n_jobs={trials}",
            f"hydra.sweep.dir={folder}",
            "trainer.epochs=1",
            "data.train_size=1280",
            "data.validation_size=1000",
        ]
    )


def copies(sweep: Path, count: int, folder: Path) -> Path:
    """The folder, with ``count`` run folders that hold the records of ``sweep`` by turns."""
    records = [json.loads(path.read_bytes()) for path in sorted(sweep.glob("*/record.json"))]
    folder.mkdir()
    copy(sweep / "sweep.json", folder)
    for number in range(count):
        record = records[number % len(records)] | {"run": str(number), "trial": number}
        own = folder / str(number)
        own.mkdir()
        (own / "record.json").write_text(json.dumps(record, indent=1) + "\n")
    return folder


def tables(folder: Path, out: Path) -> tuple[float, float]:
    """Seconds to write both tables of the records in ``folder``, and MiB at the peak."""
    from regsweep.report.aggregate import no_cycle_search
    from regsweep.report.build import build_report
    from regsweep.report.tables.write import csv_text

    started = time.perf_counter()
    with no_cycle_search():
        report = build_report([folder])
        (out / "runs.csv").write_text(csv_text(report.runs))
        (out / "comparison.csv").write_text(csv_text(report.comparison))
    return time.perf_counter() - started, _mebibytes(resource.getrusage(resource.RUSAGE_SELF))


def tables_in_a_process(folder: Path, out: Path) -> tuple[float, float]:
    """``tables`` in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(tables, folder, out).result()


def command(folder: Path, out: Path) -> tuple[float, float]:
    """The wall time of the report command over ``folder``, and MiB at the peak.

    Raises:
        SystemExit: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "regsweep.report", str(folder), f"--out={out}"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the report over {folder} failed")
    return time.perf_counter() - started, _mebibytes(usage)


def _mebibytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 2**10


def main() -> None:
    """Measure all sizes."""
    quick = quick_folder(__doc__)
    settings = QUICK if quick else FULL
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sweep(settings.trials, root / "sweep")

        def timed(case: str, call: Callable[[], tuple[float, float]]) -> float:
            taken, peak = call()
            memory[case] = max(peak, memory.get(case, 0))
            return taken

        ways = {"both tables": tables_in_a_process, "the report command": command}
        cases = {}
        for size in settings.sizes:
            folder = copies(root / "sweep", size, root / str(size))
            for way, call in ways.items():
                case = f"{size} records, {way}"
                cases[case] = partial(timed, case, partial(call, folder, root))
        taken = alternate(cases, settings.repeats)
    rows = []
    for case, values in taken.items():
        rows += [row(case, "s", values), row(f"{case}: memory", "MiB", [memory[case]])]
    for size in settings.sizes:
        rates = [size / value for value in taken[f"{size} records, both tables"]]
        aim = RECORDS_A_SECOND if size >= 10_000 else None
        rows.append(row(f"{size} records, both tables: records a second", "1/s", rates, aim))
    for fewer, more in pairwise(settings.sizes):
        one, ten = (taken[f"{size} records, both tables"] for size in (fewer, more))
        growth = [ratio * fewer / more for ratio in ratios(ten, one)]
        rows.append(row(f"a record, of {more} over one of {fewer}", "x", growth))
    publish("gather", asdict(settings), rows, quick)


if __name__ == "__main__":
    main()
