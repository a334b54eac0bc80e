"""The worker processes of a sweep: started once, used round after round, one thread each."""

import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# An idle worker waits for the next round of the sweep; a new one loads and compiles again.
IDLE_SECONDS = 3600
# The configs of a job are thousands of objects that refer to each other in circles; at Python's
# threshold of 700 the collector takes a fifth of a job's time.
COLLECTED = 50_000

_pool: Any = None


def submit(call: Callable[[], T], workers: int) -> Future[T]:
    """``call`` in one of ``workers`` processes: those of the call before, or new after a death."""
    from loky import get_reusable_executor

    global _pool
    _pool = get_reusable_executor(
        workers,
        timeout=IDLE_SECONDS,
        initializer=_prepare,
        initargs=(os.getpid(),),
        env={"OMP_NUM_THREADS": "1"},
    )
    # A worker that starts now inherits the mask: an interrupt is for this process to handle.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        future: Future[T] = _pool.submit(call)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    return future


def dismiss_workers() -> None:
    """Let the workers end, once they have done what was submitted; it is not waited for."""
    if _pool is not None:
        _pool.shutdown(wait=False)


def kill_workers() -> None:
    """End the workers, whatever they do."""
    if _pool is not None:
        _pool.shutdown(wait=False, kill_workers=True)


def _prepare(parent: int) -> None:
    """Set a fresh worker up: interrupts are for process ``parent``, with which it ends too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(COLLECTED)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
