"""What an engine costs over this machine's own processes: whole commands, on this machine.

Two commands on each engine, with as many workers as there are cores: the default comparison up to
its first look, and the least sweep, one trial of one step, whose time is the engine's start-up.
Engines take turns. The cost of an engine is the time of the comparison less that of the least
sweep, over the same of ``pack`` in the same repeat. All engines give one ``comparison.csv``.

Dask and Ray are started by the command on this machine. Slurm is left out where ``sinfo`` finds
none.

Last, the records a second that the leading process publishes alone: sweeps of one process, whose
runs train one step, of two sizes; a run more costs its composing, its job and its record.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.framework import OVERRIDES
from benchmarks.measure import (
    QUICK_OVERRIDES,
    alternate,
    cores,
    publish,
    quick_folder,
    ratios,
    row,
    seconds,
    sweep_seconds,
)

LOCAL = "pack"
ENGINES = (LOCAL, "pack_dask", "pack_ray", "pack_slurm")
# Of the time of the comparison, beside the engine's start-up: at most 1.1 times the local one.
MOST = 1.1
PUBLISHED_ALONE = "one process alone: records a second"
LEAST = (
    *OVERRIDES,
    "regularizer=none",
    "hydra.sweeper.n_trials=1",
    "hydra.sweeper.confirm_seeds=0",
)


@dataclass(frozen=True)
class Settings:
    """``overrides`` of the comparison; ``fewer`` and ``more`` runs that one process publishes."""

    engines: tuple[str, ...]
    overrides: tuple[str, ...]
    fewer: int
    more: int
    round_size: int
    repeats: int


FULL = Settings(ENGINES, ("hydra.sweeper.max_confirm_seeds=10",), 100, 500, 64, 3)
QUICK = Settings(
    (LOCAL,),
    (
        *QUICK_OVERRIDES,
        "regularizer=none,l2",
        "trainer.epochs=1",
        "data.train_size=200",
        "data.validation_size=100",
        "hydra.sweeper.n_trials=1",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2",
    ),
    1,
    3,
    64,
    1,
)


def compare_seconds(engine: str, overrides: tuple[str, ...], tables: dict[str, bytes]) -> float:
    """The wall time of a comparison on ``engine``; its table is put into ``tables``."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:  # which tasks of Slurm's see too
        taken = seconds(
            [
                "regsweep",
                "-m",
                f"hydra/launcher={engine}",
                f"hydra.launcher.workers={cores()}",
                f"hydra.sweep.dir={folder}/sweep",
                "trainer.device=cpu",
                *overrides,
            ]
        )
        tables[engine] = Path(folder, "sweep", "comparison.csv").read_bytes()
    return taken


def is_there(engine: str) -> bool:
    """Whether this machine has what the engine needs beside its Python package."""
    if engine != "pack_slurm":
        return True
    asked = shutil.which("sinfo") and subprocess.run(["sinfo"], capture_output=True, check=False)
    if not asked or asked.returncode != 0:
        print("no Slurm answers to sinfo: pack_slurm is left out", flush=True)
        return False
    return True


def main() -> None:
    """Measure all engines that are there, then what one process publishes."""
    folder = quick_folder(__doc__)
    settings = QUICK if folder else FULL
    engines = [engine for engine in settings.engines if is_there(engine)]
    tables: dict[str, bytes] = {}
    # Fills the compile cache, so that no engine is the first to compile.
    compare_seconds(LOCAL, settings.overrides, tables)
    least = alternate(
        {e: partial(compare_seconds, e, LEAST, {}) for e in engines}, settings.repeats
    )
    whole = alternate(
        {e: partial(compare_seconds, e, settings.overrides, tables) for e in engines},
        settings.repeats,
    )
    if others := [engine for engine in engines if tables[engine] != tables[LOCAL]]:
        sys.exit(f"{', '.join(others)}: the comparison.csv is another than that of {LOCAL}")
    rows = []
    beside = {e: [a - b for a, b in zip(whole[e], least[e], strict=True)] for e in engines}
    for engine in engines:
        rows.append(row(f"{engine}: the comparison", "s", whole[engine]))
        rows.append(row(f"{engine}: the least sweep", "s", least[engine]))
        if engine != LOCAL:
            over = ratios(beside[engine], beside[LOCAL])
            what = f"{engine}: the comparison less start-up over {LOCAL}"
            rows.append(row(f"{what} (aim: at most {MOST:g})", "x", over))
    alone = partial(
        sweep_seconds,
        round_size=settings.round_size,
        overrides=(*OVERRIDES, "hydra.launcher.workers=0"),
        settled={},
    )
    sizes = settings.fewer, settings.more
    taken = alternate({runs: partial(alone, runs) for runs in sizes}, settings.repeats)
    both = zip(*taken.values(), strict=True)
    rates = [(settings.more - settings.fewer) / (more - fewer) for fewer, more in both]
    rows.append(row(PUBLISHED_ALONE, "1/s", rates))
    publish("engines", asdict(settings), rows, folder)


if __name__ == "__main__":
    main()
