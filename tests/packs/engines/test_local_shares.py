"""Workers of this machine hold examples once, in a folder that ends with them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path

import pytest
from command import python

from regsweep.data.shared import held_once
from regsweep.data.shared_folder import VARIABLE
from regsweep.packs.engines.choice import LOCAL
from regsweep.records.record import FILE_NAME, read


@pytest.fixture(autouse=True)
def no_workers():
    """None before a test, none behind it."""
    LOCAL.kill()
    yield
    LOCAL.kill()


def number_of(count):
    """The process, which counts itself in the file where it loads; and the folder."""
    return held_once("number", partial(_load, count)), os.environ[VARIABLE]


def _load(count):
    with open(count, "a") as file:
        file.write(f"{os.getpid()}\n")
    return os.getpid()


def gone(folder, seconds=20):
    deadline = time.monotonic() + seconds
    while any(Path(folder).parent.glob(f"{Path(folder).name}*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(Path(folder).parent.glob(f"{Path(folder).name}*"))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("stop", [LOCAL.dismiss, LOCAL.kill])
def test_what_a_worker_loads_is_there_for_the_next_until_they_are_stopped(stop, tmp_path):
    load = partial(number_of, tmp_path / "count")
    first, folder = LOCAL.submit(load, 1).result(timeout=60)
    with pytest.raises(BrokenExecutor):
        LOCAL.submit(die, 1).result(timeout=60)
    assert Path(folder).exists()

    assert LOCAL.submit(load, 1).result(timeout=60) == (first, folder)
    assert (tmp_path / "count").read_text() == f"{first}\n"
    assert VARIABLE not in os.environ

    stop()
    assert gone(folder)


LEADS = """
import os, sys, time
from functools import partial
from regsweep.data.shared_folder import VARIABLE
from regsweep.packs.engines.choice import LOCAL
print(LOCAL.submit(partial(os.getenv, VARIABLE), 2).result(), flush=True)
if sys.argv[1] == "killed":
    LOCAL.submit(partial(time.sleep, 600), 2)
sys.stdin.readline()
"""


@pytest.mark.parametrize("end", ["killed", "unstopped"])
def test_the_folder_goes_with_the_process_that_leads(end):
    with subprocess.Popen(
        [sys.executable, "-c", LEADS, end], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        folder = process.stdout.readline().strip()
        assert Path(folder).is_dir()
        if end == "killed":
            process.kill()
    assert gone(folder)


STUDY = """
import os
from pathlib import Path

import numpy as np
import regsweep

@regsweep.data
def points(rows: int = 700):
    with Path("calls").open("a") as calls:
        calls.write(f"{os.getpid()}\\n")
    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(rows, 7)).astype(np.float32)
    return regsweep.Arrays(inputs, (inputs[:, 0] + draw.normal(size=rows) > 0).astype(int))

if __name__ == "__main__":
    regsweep.main()
"""
SWEEP = (
    *("study.py", "-m", "hydra/sweeper=basic", "data=points", "regularizer=none,l1,l2,elastic"),
    *("trainer.epochs=3", "trainer.batch_size=16", "trainer.device=cpu", "trainer.compile=false"),
    "hydra.launcher.pack_size=2",
)


def test_a_data_function_is_called_once_for_all_workers_and_runs_keep_their_bits(tmp_path):
    (tmp_path / "study.py").write_text(STUDY)
    calls = tmp_path / "calls"
    measured, callers = {}, {}
    for workers in (0, 2):
        sweep = tmp_path / f"with_{workers}"
        done = python(
            *SWEEP, f"hydra.launcher.workers={workers}", f"hydra.sweep.dir={sweep}", cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        measured[workers] = [read(sweep / str(job) / FILE_NAME).metrics for job in range(4)]
        callers[workers] = calls.read_text().split()
        calls.unlink()

    assert "test_loss" in measured[0][0]
    assert measured[2] == measured[0]
    assert len(callers[0]) == 1
    assert len(callers[2]) == 2  # the process that leads, and one of the workers
