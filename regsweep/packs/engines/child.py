"""A process of a cluster's worker: it runs one call after the other, and can be ended.

A thread cannot be ended; and what a call sets up, Hydra's state and PyTorch's threads, is its
process's alone.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from regsweep.packs.engines.call import answer
from regsweep.packs.engines.local import kills_for_memory, prepare

# A child without a call ends by itself: its worker may be there for other people's work.
IDLE_SECONDS = 60
# One that has waited so long is not relied on.
STALE_SECONDS = IDLE_SECONDS / 2
POLL_SECONDS = 0.2
# The GPUs of a process; Ray gives a worker others from call to call.
DEVICES = "CUDA_VISIBLE_DEVICES"


class NotWanted(Exception):
    """Nobody waits for the answer to a call any longer."""


class Child:
    """A process that answers calls, one at a time, for ``owner`` alone."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.devices = os.environ.get(DEVICES)
        self.pipe, theirs = Pipe()
        words = [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())]
        self.kills_before = kills_for_memory()
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        theirs.close()
        self.since = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether it is there, with the GPU of now, and has not waited so long that it may end."""
        there = self.process.poll() is None and self.devices == os.environ.get(DEVICES)
        return there and time.monotonic() - self.since < STALE_SECONDS

    def run(self, call: bytes, is_wanted: Callable[[], bool]) -> bytes:
        """The answer to ``call``.

        Raises:
            BrokenExecutor: the process has ended meanwhile.
            NotWanted: ``is_wanted`` says no; the process is ended then.
        """
        try:
            self.pipe.send_bytes(call)
            while not self.pipe.poll(POLL_SECONDS):
                if not is_wanted():
                    self.end()
                    raise NotWanted
            answered = self.pipe.recv_bytes()
        except (EOFError, OSError):
            raise BrokenExecutor(self._last_words()) from None
        self.since = time.monotonic()
        return answered

    def end(self) -> None:
        """End the process, whatever it does; from any thread, so the pipe is left as it is."""
        self.process.kill()
        self.process.wait()

    def _last_words(self) -> str:
        code = self.process.wait()
        if code == -signal.SIGKILL and kills_for_memory() > self.kills_before:
            return "the process of a pack was killed by the kernel for want of memory"
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the process of a pack has ended: {name}"


# Each thread of a worker has one.
_of_thread = threading.local()
_CHILDREN: set[Child] = set()


def in_a_child(owner: str, call: bytes, is_wanted: Callable[[], bool] = lambda: True) -> bytes:
    """The answer to ``call``, by the process that this thread has for ``owner``.

    Raises:
        BrokenExecutor: the process has ended meanwhile.
        NotWanted: ``is_wanted`` says no.
    """
    child: Child | None = getattr(_of_thread, "child", None)
    if child is None or child.owner != owner or not child.is_fresh:
        if child is not None:
            child.end()
            _CHILDREN.discard(child)
        child = _of_thread.child = Child(owner)
        _CHILDREN.add(child)
    try:
        return child.run(call, is_wanted)
    except (BrokenExecutor, NotWanted):
        _of_thread.child = None
        _CHILDREN.discard(child)
        raise


def end_children_of(owner: str) -> None:
    """End the processes that this one has for ``owner``, whatever they do."""
    for child in [child for child in list(_CHILDREN) if child.owner == owner]:
        child.end()
        _CHILDREN.discard(child)


def main() -> None:
    """Answer what comes in by the connection that the command line names."""
    handle, parent = map(int, sys.argv[1:])
    prepare(parent)
    pipe = Connection(handle)
    try:
        while pipe.poll(IDLE_SECONDS):
            pipe.send_bytes(answer(pipe.recv_bytes()))
    except (EOFError, OSError):  # the worker is gone, or wants no answer
        os._exit(0)


if __name__ == "__main__":
    main()
