import gc
import os
import signal
import time
from contextlib import suppress

import pytest

from regsweep.pool import COLLECTED, dismiss_workers, kill_workers, submit


def state():
    return os.getpid(), os.environ["OMP_NUM_THREADS"], gc.get_threshold()[0]


def ignores_interrupts():
    os.kill(os.getpid(), signal.SIGINT)
    return True


def is_there(process):
    with suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("stop", [dismiss_workers, kill_workers])
def test_a_worker_is_kept_from_call_to_call_until_it_is_stopped(stop):
    first, again = (submit(state, workers=1).result(timeout=60) for _ in range(2))

    assert first == again
    process, threads, collected = first
    assert process != os.getpid()
    assert (threads, collected) == ("1", COLLECTED)

    stop()
    deadline = time.monotonic() + 10
    while is_there(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_there(process)
    assert submit(state, workers=1).result(timeout=60)[0] != process


def test_an_interrupt_is_not_for_the_workers():
    assert submit(ignores_interrupts, workers=1).result(timeout=60)
