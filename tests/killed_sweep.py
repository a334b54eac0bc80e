"""Kills real sweeps and goes on with them; ``python tests/killed_sweep.py 50`` does it 50 times.

A second number is the seed of the moments.

A sweep that was killed at any moment and resumed must end with the ``comparison.csv`` of one that
was never touched, byte for byte.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

SWEEP = (
    *("-m", "regularizer=none,l1,elastic", "trainer.device=cpu", "hydra.launcher.workers=1"),
    *("trainer.epochs=2", "trainer.batch_size=50"),
    *("data.train_size=500", "data.validation_size=500"),
    *(
        "hydra.sweeper.n_trials=5",
        "hydra.sweeper.n_jobs=4",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2",
    ),
    "hydra.sweeper.sampler.n_startup_trials=2",
)

# Runs the command line, with the N-th call of one function answered by SIGKILL to all, be it in
# the command's own process or in its worker.
AT_A_POINT = """
import importlib, os, signal, sys
import regsweep.packs.rounds
point = sys.argv[1:5]
del sys.argv[1:5]

def install():
    module, owner, name, count = point
    holder = importlib.import_module(module)
    holder = getattr(holder, owner) if owner else holder
    function, calls = getattr(holder, name), 0

    def killing(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == int(count):
            os.killpg(0, signal.SIGKILL)
        return function(*args, **kwargs)

    if not hasattr(sys, "killing"):
        sys.killing = killing
        setattr(holder, name, killing)

train_and_publish = regsweep.packs.rounds.train_and_publish

def in_the_worker(*args):
    install()
    return train_and_publish(*args)

regsweep.packs.rounds.train_and_publish = in_the_worker
install()
from regsweep.cli.app import main
main()
"""


def start(folder, *before):
    """A sweep into ``folder``, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", *before, *SWEEP, f"hydra.sweep.dir={folder}"],
        cwd=folder.parent,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(folder):
    """The bytes of ``comparison.csv`` once the sweep in ``folder`` has come to its end."""
    process = start(folder, "-m", "regsweep")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return (folder / "comparison.csv").read_bytes()


def kill_at(folder, module, owner, name, count):
    """Run until the ``count``-th call of a function, which kills the whole process group."""
    process = start(folder, "-c", AT_A_POINT, module, owner, name, str(count))
    said, _ = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, said


def kill_after(folder, seconds):
    """Kill the process group ``seconds`` after its start on the work; whether it was still on."""
    process = start(folder, "-m", "regsweep")
    while not (folder / "sweep.json").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return running


def seconds_at_work(folder):
    """How long the finished sweep in ``folder`` took from its start on the work."""
    began, ended = ((folder / name).stat().st_mtime for name in ("sweep.json", "comparison.csv"))
    return ended - began


def main(kills, seed):
    """Kill ``kills`` sweeps at random moments; 1 if one of them ended otherwise."""
    print(f"seed {seed}: python tests/killed_sweep.py {kills} {seed} draws the same moments")
    random = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        whole = finish(root / "whole")
        takes = seconds_at_work(root / "whole")
        different = 0
        for number in range(kills):
            folder, after = root / str(number), random.uniform(0, takes)
            running = kill_after(folder, after)
            records = len(list(folder.glob("*/*/*/record.json")))
            same = finish(folder) == whole
            different += not same
            print(
                f"{number + 1:>3}  {'killed' if running else 'ended'} after {after:5.2f} s with "
                f"{records:>2} records, resumed: {'the same' if same else 'DIFFERENT'}",
                flush=True,
            )
    print(f"{kills - different} of {kills} ended with the comparison.csv of an untouched sweep")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()))
