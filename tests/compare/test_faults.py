"""A machine that fails in mid-sweep costs no run: the sweep stops, says why, and goes on."""

import shlex
import subprocess
import sys

import pytest
from command import command

from regsweep.records.record import read

RUN = ("trainer.epochs=1", "data.train_size=500", "data.validation_size=500", "model.hidden=[512]")
SWEEP = (
    "-m", "regularizer=none,l1", "hydra.sweep.dir=here", *RUN,
    "hydra.sweeper.n_trials=2", "hydra.sweeper.confirm_seeds=2",
    "hydra.sweeper.max_confirm_seeds=2", "hydra.launcher.workers=1",
)  # fmt: skip
# Weights of 1.6 MB do not fit, and all else does.
KILOBYTES = 1_200


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    here = tmp_path_factory.mktemp("untouched")
    done = command(*SWEEP, cwd=here)
    assert done.returncode == 0, done.stderr
    return (here / "here" / "comparison.csv").read_bytes()


def limited(*arguments, cwd):
    """The command where no file may be larger."""
    words = shlex.join([sys.executable, "-m", "regsweep", *arguments])
    line = f"ulimit -f {KILOBYTES} && exec {words}"
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_sweep_goes_on_when_there_is_room_again(tmp_path, untouched):
    full = limited(*SWEEP, cwd=tmp_path)

    assert full.returncode == 1
    assert "Traceback" not in full.stdout + full.stderr
    said, kept, resume = full.stderr.splitlines()
    assert said.startswith("regsweep: ")
    assert "/confirm/regularizer=" in said
    assert "weights.safetensors: File too large (" in said
    assert said.endswith(" bytes free)")
    assert kept == "what is published is kept; to go on:"
    assert not list(tmp_path.glob("here/confirm/*/*/record.json"))

    again = subprocess.run(shlex.split(resume), cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode == 0
    assert (tmp_path / "here" / "comparison.csv").read_bytes() == untouched


def test_a_run_alone_has_no_record_of_it(tmp_path):
    done = limited("hydra.run.dir=here", *RUN, cwd=tmp_path)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]  # behind Hydra's own line
    assert said.startswith("regsweep: ")
    assert "weights.safetensors: File too large (" in said
    assert not (tmp_path / "here" / "record.json").exists()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 32 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs a mount: of a small disk, to fill it")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


# Fills the disk when the last trial is published, so that the studies cannot be told of it.
FILLING = """
from contextlib import suppress
from pathlib import Path

import regsweep
from hydra.experimental.callback import Callback

class Filling(Callback):
    def on_job_end(self, config, **kwargs):
        if (config.run.stage, config.run.trial) == ("search", 1):
            with suppress(OSError), open("filling", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))

if __name__ == "__main__":
    regsweep.main(trust=["filling.*"])
"""


@pytest.mark.full
def test_a_disk_that_is_full_for_the_storage_stops_a_sweep_too(small_disk, untouched):
    (small_disk / "filling.py").write_text(FILLING)
    full = subprocess.run(
        [sys.executable, "filling.py", *SWEEP, "+hydra.callbacks.x._target_=filling.Filling"],
        cwd=small_disk, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert full.returncode == 1
    assert "Traceback" not in full.stdout + full.stderr
    said, kept, resume = full.stderr.splitlines()
    assert said.startswith("regsweep: here/optuna.db: OperationalError: ")
    assert said.endswith("; 0 bytes free")
    assert kept == "what is published is kept; to go on:"

    (small_disk / "filling").unlink()
    again = subprocess.run(shlex.split(resume), cwd=small_disk, capture_output=True, check=False)
    assert (again.returncode, again.stderr) == (0, b"")
    assert (small_disk / "here" / "comparison.csv").read_bytes() == untouched


# Takes its process down, once, as a kernel does that runs out of memory.
KILLING = """
import os
import signal
from pathlib import Path

import regsweep
from hydra.experimental.callback import Callback

class Killing(Callback):
    def on_job_start(self, config, **kwargs):
        if config.run.trial == 0 and not Path("killed").exists():
            Path("killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    regsweep.main(trust=["killing.*"])
"""


@pytest.mark.full
def test_a_killed_worker_of_another_launcher_is_no_failure_of_its_run(tmp_path):
    (tmp_path / "killing.py").write_text(KILLING)
    killed = subprocess.run(
        [sys.executable, "killing.py", "-m", "hydra/launcher=joblib", "hydra.sweep.dir=here",
         "regularizer=none", *RUN[:3], "trainer.compile=false", "hydra.sweeper.confirm_seeds=0",
         "+hydra.callbacks.killing._target_=killing.Killing"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert killed.returncode == 1
    assert (tmp_path / "killed").exists()
    assert "Traceback" not in killed.stdout + killed.stderr
    said, kept, resume = killed.stderr.splitlines()
    assert said.startswith(
        "regsweep: hydra/launcher=joblib: its jobs gave no result (TerminatedWorkerError: "
    )
    assert kept == "what is published is kept; to go on:"

    again = subprocess.run(shlex.split(resume), cwd=tmp_path, capture_output=True, check=False)
    assert again.returncode == 0, again.stderr
    [record] = tmp_path.glob("here/*/*/*/record.json")
    assert read(record).status == "completed"
