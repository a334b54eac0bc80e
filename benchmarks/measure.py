"""What all benchmarks share: alternating repeats, rows, real sweeps, the machine, result files."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

Case = TypeVar("Case")

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "regsweep",
    "torch",
    "hydra-core",
    "hydra-optuna-sweeper",
    "hydra-joblib-launcher",
    "optuna",
    "scikit-learn",
    "numpy",
)

# Of the quick sweeps: compiling takes longer than they do.
QUICK_OVERRIDES = ("trainer.compile=false",)


@dataclass(frozen=True)
class Row:
    """One measured quantity: its median, least and greatest value over the repeats.

    Where ``what`` says so, it is a mean with the ends of its interval. ``aim`` is the least value
    that was aimed at.
    """

    what: str
    unit: str
    value: float
    low: float
    high: float
    values: tuple[float, ...]
    aim: float | None = None


def row(what: str, unit: str, values: Sequence[float], aim: float | None = None) -> Row:
    """The row of ``values``, one per repeat."""
    middle = statistics.median(values)
    return Row(what, unit, middle, min(values), max(values), tuple(values), aim)


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """How many times as much ``theirs`` costs as ``ours``, in each repeat."""
    return [their / our for their, our in zip(theirs, ours, strict=True)]


def alternate(cases: Mapping[Case, Callable[[], float]], repeats: int) -> dict[Case, list[float]]:
    """Every case once a repeat, in turn; every second repeat backwards.

    So that what the machine does besides is spread over all of them.
    """
    values: dict[Case, list[float]] = {case: [] for case in cases}
    for repeat in range(repeats):
        order = list(cases)
        for case in reversed(order) if repeat % 2 else order:
            values[case].append(cases[case]())
            print(f"repeat {repeat + 1}/{repeats}  {case}: {values[case][-1]:.6g}", flush=True)
    return values


def run_python(words: Sequence[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """``python WORDS`` as a process of its own.

    Raises:
        SystemExit: it failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)} failed\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


def seconds(arguments: Sequence[str], **environment: str) -> float:
    """The wall time of ``python -m ARGUMENTS``; raises as ``run_python``."""
    started = time.perf_counter()
    run_python(["-m", *arguments], **environment)
    return time.perf_counter() - started


def sweep_words(runs: int, round_size: int, folder: str, overrides: Sequence[str]) -> list[str]:
    """What regsweep is told for a sweep of so many trials of l2, at random, on the CPU."""
    return [
        "-m",
        "regularizer=l2",
        "hydra/sweeper=optuna",
        "hydra/sweeper/sampler=random",
        f"hydra.sweeper.n_trials={runs}",
        f"hydra.sweeper.n_jobs={round_size}",
        f"hydra.sweep.dir={folder}/sweep",
        "trainer.device=cpu",
        *overrides,
    ]


def sweep_seconds(
    runs: int,
    round_size: int,
    overrides: Sequence[str],
    settled: dict[str, Any],
    **environment: str,
) -> float:
    """The wall time of a regsweep sweep of ``runs`` trials of l2, ``round_size`` a round.

    It searches the penalty weight at random, on the CPU. What the sweep settled for its runs
    (device, compiled or eager, threads, precision, pack width) is put into ``settled``.

    Raises:
        SystemExit: it failed, or not every run completed.
    """
    with tempfile.TemporaryDirectory() as folder:
        words = sweep_words(runs, round_size, folder, overrides)
        taken = seconds(["regsweep", *words], **environment)
        records = [json.loads(path.read_text()) for path in Path(folder).rglob("record.json")]
        completed = sum(record["status"] == "completed" for record in records)
        if completed != runs:
            sys.exit(f"{completed} of {runs} runs completed")
        settled |= json.loads(Path(folder, "sweep", "sweep.json").read_text()).get("settled") or {}
    return taken


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, str]:
    """The hardware, the system and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": _processor(),
        "cores": str(cores()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    } | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def quick_folder(description: str | None) -> Path | None:
    """The folder of ``--quick FOLDER``, the one option of every benchmark."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        type=Path,
        metavar="FOLDER",
        help="only see that it runs, with tiny settings, and write the result into FOLDER",
    )
    folder: Path | None = parser.parse_args().quick
    return folder


def publish(
    name: str,
    settings: Mapping[str, Any],
    rows: Sequence[Row],
    folder: Path | None,
    device: str | None = None,
) -> None:
    """Print ``rows`` with the machine, and write ``<name>.json`` into ``folder`` or results/."""
    hardware = machine() | ({"device": device} if device else {})
    result = {
        "name": name,
        "machine": hardware,
        "settings": dict(settings),
        "rows": [asdict(one) for one in rows],
    }
    for key, value in (hardware | dict(settings)).items():
        print(f"{key}: {value}")
    for one in rows:
        aim = "" if one.aim is None else f", aim: at least {one.aim:g}"
        print(f"{one.what}: {one.value:.4g} {one.unit} ({one.low:.4g} to {one.high:.4g}){aim}")
    path = (folder or RESULTS) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {path}")
