"""A Dask cluster as an engine: each thread of its workers runs packs in a process of its own."""

import json
import logging
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any, TypeVar

from hydra.utils import instantiate

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.child import end_children_of, in_a_child
from regsweep.packs.engines.local import KILLED
from regsweep.packs.engines.peers import Peer, peer
from regsweep.sweep.cluster import DaskCluster

log = logging.getLogger(__name__)

T = TypeVar("T")

WAIT_SECONDS = 15
LOOPBACK = "127.0.0.1:0"


class Dask:
    """The workers of a scheduler, or of a cluster that is started; else this machine's cores."""

    apart = True
    takes_all = False

    def __init__(self, cluster: DaskCluster) -> None:
        self.address, self.cluster = cluster.address, cluster.cluster
        self.workers: int | None = None  # of a cluster that is started
        self.client: Any = None
        self.own: Any = None  # the cluster of this process
        self.owner = uuid.uuid4().hex
        self.at_work: dict[Any, Future[Any]] = {}

    def reach(self, workers: int | None) -> int:
        """Find the scheduler, or start one; how many calls it runs at once.

        Raises:
            InputError: Dask is not installed, or the cluster to be started asks for no worker.
            ClusterFault: no scheduler or no worker answers, or the cluster does not start.
        """
        self.workers = workers
        self._begin(workers)
        if self.cluster is not None:  # more workers may come than are there
            return len(self.own.plan) * next(iter(self.client.nthreads().values()), 1)
        return workers or sum(self.client.nthreads().values())

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call`` in a process of one of the workers, as soon as a thread of one is free."""
        self._begin(at_once)
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

    def _begin(self, at_once: int | None) -> None:
        if self.client is not None:
            return
        if self.address is not None:
            self.client = self._found()
        else:
            self.client = self._started(at_once) if self.cluster is None else self._made()

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

    def _made(self) -> Any:
        """The client of a cluster that the config names, once it has a worker."""
        distributed = _distributed()
        config = json.loads(self.cluster or "")
        said = f"hydra.launcher.cluster._target_={config['_target_']}"
        try:
            own = instantiate(config, _convert_="all")
            if not isinstance(own, distributed.deploy.Cluster):
                raise TypeError(f"it is a {type(own).__name__}")
            self.own = own
            if self.workers is not None:
                own.scale(self.workers)
            self.client = distributed.Client(own, timeout=WAIT_SECONDS)
        except Exception as error:
            self._leave()
            why = error.__cause__ or error
            told = " ".join(str(why).split())[:200]
            raise ClusterFault(
                f"{said}: it does not start a Dask cluster ({type(why).__name__}: {told})"
            ) from error
        if not own.plan:
            self._leave()
            raise InputError(f"{said}: it has no worker until hydra.launcher.workers=N asks for N")
        log.info("waiting for a worker of %s", config["_target_"])
        self.client.wait_for_workers(1)
        return self.client

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

    def peers(self, packages: Sequence[str]) -> Mapping[str, Peer]:
        """What each worker has, by its address.

        Raises:
            ClusterFault: one cannot run regsweep.
        """
        try:
            return dict(self.client.run(peer, packages))
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
        if client is not None:
            client.cancel(tasks, force=True)
            if own is not None:  # its workers may be in this process
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
