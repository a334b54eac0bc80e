"""A Dask cluster as an engine: each thread of its workers runs packs in a process of its own."""

import logging
import uuid
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.child import end_children_of, in_a_child
from regsweep.packs.engines.local import KILLED
from regsweep.packs.engines.peers import Peer, peer, refuse_others
from regsweep.sweep.cluster import DaskCluster

T = TypeVar("T")

WAIT_SECONDS = 15
LOOPBACK = "127.0.0.1:0"


class Dask:
    """The workers of a scheduler; without an address, this machine's cores, with one in here."""

    apart = True

    def __init__(self, cluster: DaskCluster) -> None:
        self.address = cluster.address
        self.client: Any = None
        self.own: Any = None  # the cluster of this process
        self.owner = uuid.uuid4().hex
        self.at_work: dict[Any, Future[Any]] = {}

    def reach(self, workers: int | None) -> int:
        """Find the scheduler, or start one; how many calls it runs at once.

        Raises:
            InputError: Dask is not installed.
            ClusterFault: no scheduler or no worker answers, or a worker's packages differ.
        """
        if self.client is None:
            self.client = self._started(workers) if self.address is None else self._found()
            if self.address is not None:
                refuse_others(self._peers())
        return workers or sum(self.client.nthreads().values())

    def submit(self, call: Callable[[], T], at_once: int) -> Future[T]:
        """``call`` in a process of one of the workers, as soon as a thread of one is free."""
        self.reach(at_once)
        future: Future[T] = Future()
        words = (self.owner, pickled(call))
        # What a dead worker was at goes to another one, by the scheduler.
        task = self.client.submit(on_a_worker, *words, key=f"regsweep-{uuid.uuid4().hex}")
        self.at_work[task] = future
        task.add_done_callback(self._hand_over)
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """Whether a process was killed, and not by the kernel for want of memory."""
        return KILLED in str(lost)

    def dismiss(self) -> None:
        """Let go of the cluster; what is idle there ends by itself."""
        self._leave()

    def kill(self) -> None:
        """Take back what was submitted; what runs it on the workers is ended."""
        self._leave()

    def _hand_over(self, task: Any) -> None:
        """Give what came of ``task`` to its future; in a thread of the client's."""
        future = self.at_work.pop(task, None)
        if future is None:  # taken back
            return
        try:
            if task.status == "cancelled":
                future.set_exception(self._gone())
            elif (error := task.exception()) is None:
                settle(future, task.result())
            else:
                future.set_exception(_as_known(error))
        except Exception as error:  # no answer comes from a scheduler that is gone
            future.set_exception(self._gone(error))

    def _gone(self, error: Exception | None = None) -> ClusterFault:
        said = f" ({type(error).__name__}: {error})" if error else ""
        where = self.address or "of this process"
        return ClusterFault(f"the Dask scheduler {where}: it has gone away{said}")

    def _started(self, workers: int | None) -> Any:
        distributed = _distributed()
        from loky import cpu_count

        self.own = distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=workers or int(cpu_count()),
            processes=False,
            dashboard_address=LOOPBACK,
            worker_dashboard_address=LOOPBACK,
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        )
        return distributed.Client(self.own)

    def _found(self) -> Any:
        said = f"hydra.launcher.address={self.address}"
        try:
            client = _distributed().Client(self.address, timeout=WAIT_SECONDS)
        except (OSError, ValueError) as error:
            raise ClusterFault(f"{said}: no Dask scheduler answers there ({error})") from error
        try:
            client.wait_for_workers(1, timeout=WAIT_SECONDS)
        except TimeoutError as error:
            client.close()
            raise ClusterFault(
                f"{said}: this Dask scheduler has no worker; start one, as by: "
                f"dask worker {self.address}"
            ) from error
        return client

    def _peers(self) -> dict[str, Peer]:
        try:
            return dict(self.client.run(peer))
        except Exception as error:
            self._leave()
            raise ClusterFault(
                f"hydra.launcher.address={self.address}: its workers cannot run regsweep "
                f"({type(error).__name__}: {error}); install it there as it is here"
            ) from error

    def _leave(self) -> None:
        client, own, tasks = self.client, self.own, list(self.at_work)
        self.client = self.own = None
        self.at_work.clear()
        if client is None:
            return
        client.cancel(tasks, force=True)
        if own is not None:
            end_children_of(self.owner)
        client.close()
        if own is not None:
            own.close()
            end_children_of(self.owner)


def on_a_worker(owner: str, call: bytes) -> bytes:
    """The answer to ``call``, by a process of this worker; it ends where nobody waits any longer.

    Raises:
        BrokenExecutor: the process has ended meanwhile.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    return in_a_child(owner, call, is_wanted)


def _as_known(error: Exception) -> Exception:
    """``error``, or the loss of a process where Dask gives a task up whose workers all died."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return BrokenExecutor(f"{KILLED}: every Dask worker that was at it has ended: {error}")
    return error


def _distributed() -> Any:
    try:
        import dask
        import distributed
    except ImportError:
        raise InputError(
            "hydra/launcher=pack_dask: needs Dask: pip install 'regsweep[dask]'"
        ) from None
    # Calls carry files where a worker lacks them.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"})
    # What it says of calls and of lost workers comes as their errors.
    said = "distributed"
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(said)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return distributed
