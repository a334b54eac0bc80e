import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from regsweep.packs.engines.choice import LOCAL


def state():
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


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


@pytest.mark.parametrize("stop", [LOCAL.dismiss, LOCAL.kill])
def test_a_worker_is_kept_from_call_to_call_until_it_is_stopped(stop):
    first, again = (LOCAL.submit(state, at_once=1).result(timeout=60) for _ in range(2))

    assert first == again
    process, threads = first
    assert process != os.getpid()
    assert threads == "1"

    stop()
    deadline = time.monotonic() + 10
    while is_there(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_there(process)
    assert LOCAL.submit(state, at_once=1).result(timeout=60)[0] != process


# A sweep's end dismisses the workers, also when an interrupt has killed them just before.
def test_a_killed_worker_is_not_dismissed():
    sleeping = LOCAL.submit(partial(time.sleep, 600), at_once=1)
    LOCAL.kill()
    LOCAL.dismiss()

    with pytest.raises(RuntimeError, match="kill_workers"):
        sleeping.result(timeout=60)


# Also where they have not, since their pool broke: the next try must not outlive the interrupt.
@pytest.mark.parametrize("broken", [False, True])
def test_an_interrupt_while_workers_start_is_raised_when_they_have(monkeypatch, broken):
    class Pool:
        def submit(self, call):
            os.kill(os.getpid(), signal.SIGINT)
            done.append(call())
            if broken:
                raise BrokenExecutor

        def shutdown(self, **kwargs): ...

    done = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("loky.get_reusable_executor", lambda *args, **kwargs: Pool())
    try:
        with pytest.raises(KeyboardInterrupt):
            LOCAL.submit(lambda: "started", at_once=1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
        LOCAL.kill()

    assert done == ["started"]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


def test_another_thread_may_start_workers():
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(LOCAL.submit, state, 1).result(timeout=60).result(timeout=60)


def test_an_interrupt_is_not_for_the_workers():
    assert LOCAL.submit(ignores_interrupts, at_once=1).result(timeout=60)


# As torch.compile does it.
SHOWS_A_BAR = """
from functools import partial
from tqdm import tqdm
from regsweep.packs.engines.choice import LOCAL
LOCAL.submit(partial(tqdm, disable=True), at_once=1).exception()
LOCAL.kill()
"""


def test_a_killed_worker_leaves_nothing_behind_that_python_warns_of():
    done = subprocess.run(
        [sys.executable, "-c", SHOWS_A_BAR], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stderr == ""
