"""Stand-ins for training in a worker process, which fail as real ones can."""

import os
import signal
import time

from regsweep.errors import MachineFault


def out_of_memory(pack):
    """No more than two runs fit."""
    if len(pack.runs) > 2:
        raise MemoryError(f"{len(pack.runs)} runs")
    return [run.seed for run in pack.runs]


def killed(pack):
    """The run of seed 3 takes its process down, as the kernel does when memory ends."""
    if any(run.seed == 3 for run in pack.runs):
        os._exit(137)
    time.sleep(0.2)
    return [run.seed for run in pack.runs]


def broken(pack):
    """A run of seed 3 cannot be trained; that has nothing to do with the others or with memory."""
    if any(run.seed == 3 for run in pack.runs):
        raise ValueError("seed 3")
    return [run.seed for run in pack.runs]


def too_wide(pack):
    """A compiled pack fills up: what counts is its width."""
    if pack.width > 2:
        raise RuntimeError("CUDA out of memory")
    return [run.seed for run in pack.runs]


def killed_from_outside(pack):
    """Somebody kills the process that trains the run of seed 3."""
    if any(run.seed == 3 for run in pack.runs):
        os.kill(os.getpid(), signal.SIGKILL)
    return [run.seed for run in pack.runs]


def without_its_data(pack):
    """The machine has lost what every run needs."""
    raise MachineFault("train-images-idx3-ubyte: damaged")
