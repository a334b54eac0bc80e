"""The worker processes of a sweep: started once, used round after round, one thread each."""

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from regsweep.data.shared_folder import VARIABLE, SharedFolder, remove
from regsweep.packs.engines.gpus import take_gpu, visible_gpus

T = TypeVar("T")

# An idle worker waits for the next round of the sweep; a new one loads and compiles again.
IDLE_SECONDS = 3600
SIGNALS = {signal.SIGINT, signal.SIGTERM}

# Among the exit codes that loky names.
KILLED = "SIGKILL"


class Local:
    """The cores of this machine, or a process for each of its GPUs, through loky."""

    apart = True
    takes_all = False

    def __init__(self) -> None:
        self.pool: Any = None
        self.shared: SharedFolder | None = None  # of the workers' examples
        self.kills_before = 0  # for want of memory, when the first worker was started

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call`` in one of ``at_once`` processes: those of the call before, or new after a death.

        Raises:
            BrokenExecutor: another call has just ended its process.
        """
        from loky import get_reusable_executor

        if self.pool is None:
            self.kills_before = kills_for_memory()
        with _interrupts_later():
            if self.shared is None:
                self.shared = SharedFolder()
            self.pool = get_reusable_executor(
                at_once,
                timeout=IDLE_SECONDS,
                initializer=prepare,
                initargs=(os.getpid(), visible_gpus()),
                env={"OMP_NUM_THREADS": "1", VARIABLE: self.shared.path},
            )
            future: Future[T] = self.pool.submit(call)
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """Whether a process was killed, and not by the kernel for want of memory."""
        return KILLED in str(lost) and kills_for_memory() <= self.kills_before

    def dismiss(self) -> None:
        """Let the workers end, once they have done what was submitted; it is not waited for."""
        self._end(kill=False)

    def kill(self) -> None:
        """End the workers, whatever they do."""
        self._end(kill=True)

    def _end(self, kill: bool) -> None:
        # Forgotten first: to dismiss those that are to be killed would let them live.
        pool, self.pool = self.pool, None
        if pool is not None:
            pool.shutdown(wait=False, kill_workers=kill)
        shared, self.shared = self.shared, None
        if shared is not None:
            shared.remove()


def _await_feeders() -> None:
    """Wait for loky's threads that feed its queues, which end once their workers have.

    Stopped with the process, one can have removed a lock and not yet told the resource tracker,
    which then warns of it. One that feeds a full pipe never ends, and is left after a second.
    """
    for thread in threading.enumerate():
        if thread.name == "QueueFeederThread":
            thread.join(timeout=1)


# After loky's own threads, and before Python removes what locks are left.
atexit.register(_await_feeders)


def kills_for_memory() -> int:
    """The kernel's count of them, in all control groups; 0 where it keeps none."""
    counts = Path("/proc/vmstat")
    lines = counts.read_text().splitlines() if counts.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Keep an interrupt until the end: loky cannot be left half started. A second does not wait.

    A worker inherits the mask, so that it does not die of an interrupt before it is set up. Here
    the mask does not do: the threads of libraries take the signal, and hand it to Python.
    """
    came: list[int] = []

    def keep(number: int, frame: object) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)

    in_main = threading.current_thread() is threading.main_thread()  # the one that handles signals
    handlers = {one: signal.getsignal(one) for one in SIGNALS} if in_main else {}
    try:
        for one in handlers:
            signal.signal(one, keep)
        resource_tracker.ensure_running()  # its start would unblock the signals
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for number in came:
            signal.raise_signal(number)


def prepare(parent: int, gpus: Sequence[str] = ()) -> None:
    """Set a fresh worker up: interrupts are for process ``parent``, with which it ends too.

    Where there are several ``gpus``, each worker has one of its own.
    """
    from tqdm import tqdm

    # Else the first bar of torch.compile's, shown or not, makes a lock between processes, which a
    # killed worker leaves behind and Python then warns of.
    tqdm.set_lock(threading.RLock())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if len(gpus) > 1 and (folder := os.environ.get(VARIABLE)):
        take_gpu(gpus, folder)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    if folder := os.environ.get(VARIABLE):
        remove(folder)
    os._exit(1)
