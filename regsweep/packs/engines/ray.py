"""A Ray cluster as an engine: its workers run packs, each in a process of its own."""

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.child import in_a_child
from regsweep.packs.engines.local import KILLED, SIGNALS
from regsweep.packs.engines.peers import Peer, peer
from regsweep.sweep.cluster import RayCluster

log = logging.getLogger(__name__)

T = TypeVar("T")

KNOCK_SECONDS = 15
# A head that nobody reaches for so long is gone; Ray itself waits for minutes, and may not say so.
SILENT_SECONDS = 20
POLL_SECONDS = 2


class Ray:
    """The CPUs of a cluster, or its GPUs; without an address, of this machine."""

    apart = True
    takes_all = False

    def __init__(self, cluster: RayCluster) -> None:
        self.address = cluster.address
        # What a pack takes of the cluster, and what tells how many run at once.
        self.asked = {"num_gpus": 1} if cluster.gpu else {"num_cpus": 1}
        self.counted = "GPU" if cluster.gpu else "CPU"
        self.task: Any = None  # what runs a call on a worker
        self.owner = uuid.uuid4().hex
        self.at_work: dict[Any, Future[Any]] = {}
        self.head: str | None = None  # where it listens
        self.watch: threading.Thread | None = None
        self.gone = False

    def reach(self, workers: int | None) -> int:
        """Find the cluster, or start one; how many calls it runs at once.

        Raises:
            InputError: Ray is not installed, or has nothing that packs could run on.
            ClusterFault: no cluster answers.
        """
        if self.address is None:
            # Read by Ray when it is imported: what it starts then listens on loopback alone.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        ray = _ray()
        if self.task is None:
            self._begin(ray, workers)
        if workers is not None:
            return workers
        found = int(ray.cluster_resources().get(self.counted, 0))
        if found == 0:
            raise InputError(
                f"hydra.launcher.address={self.address}: Ray has no {self.counted} there; "
                "hydra.launcher.workers=N does not ask"
            )
        return found

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call`` in a process of one of the workers, as soon as a CPU, or GPU, is free."""
        self.reach(at_once)
        future: Future[T] = Future()
        task = self.task.remote(self.owner, pickled(call))
        self.at_work[task] = future
        task.future().add_done_callback(partial(self._hand_over, task))
        if self.watch is None:
            self.watch = threading.Thread(target=self._watch, daemon=True)
            self.watch.start()
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """Whether a process was killed, and not for want of memory."""
        return KILLED in str(lost)

    def dismiss(self) -> None:
        """Let go of the cluster; what is idle there ends by itself."""
        self.kill()

    def kill(self) -> None:
        """Take back what was submitted; what runs it on the workers is ended."""
        tasks = list(self.at_work)
        self.at_work.clear()
        if self.task is None:
            return
        self.task = self.watch = None
        ray = _ray()
        if self.gone:
            return  # Ray would wait for it
        for task in tasks:
            ray.cancel(task, force=True)
        ray.shutdown()

    def _begin(self, ray: Any, workers: int | None) -> None:
        from loky import cpu_count

        asked: dict[str, Any] = {"address": self.address}
        if self.address is None:
            # By this word a cluster is started, also beside one that runs here.
            asked = {"address": "local", "num_cpus": workers or int(cpu_count())}
            asked["include_dashboard"] = False
        try:
            _knock(self.address)
            with _signals_as_before():
                ray.init(**asked, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            said = " ".join(str(error).split())[:200]
            raise ClusterFault(
                f"hydra.launcher.address={self.address}: no Ray cluster answers there ({said})"
            ) from error
        by_a_proxy = (self.address or "").startswith("ray://")
        self.head = self.address if by_a_proxy else ray.get_runtime_context().gcs_address
        # What a dead worker was at goes to another one, by Ray.
        self.task = ray.remote(**self.asked, max_retries=2)(in_a_child)

    def peers(self, packages: Sequence[str]) -> Mapping[str, Peer]:
        """What each node has, by its address; one that is lost meanwhile is passed over.

        Raises:
            ClusterFault: one cannot run regsweep.
        """
        if self.address is None:
            return {"of this machine": peer(packages)}
        ray = _ray()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = {}
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get(self.counted):
                name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
                on_it = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                task = ray.remote(scheduling_strategy=on_it)(peer).remote(packages)
                asked[name] = node["NodeID"], task
        there: dict[str, Peer] = {}
        for name, (node_id, task) in asked.items():
            try:
                there[name] = ray.get(task)
            except Exception as error:
                if _is_gone(ray, node_id, error):
                    log.info("%s is gone", name)
                    continue
                self.kill()
                raise ClusterFault(
                    f"hydra.launcher.address={self.address}: its nodes cannot run regsweep "
                    f"({type(error).__name__}: {error}); install it there as it is here"
                ) from error
        return there

    def _hand_over(self, task: Any, done: Future[bytes]) -> None:
        """Give what came of ``task`` to its future; in a thread of Ray's."""
        future = self.at_work.pop(task, None)
        if future is None:  # taken back
            return
        error = done.exception()
        if error is None:
            settle(future, done.result())
        else:
            future.set_exception(_as_known(error))

    def _watch(self) -> None:
        """Have all calls fail once the head is gone, until the engine lets go."""
        answered = time.monotonic()
        while self.watch is threading.current_thread():
            try:
                _knock(self.head)
                answered = time.monotonic()
            except OSError as error:
                if time.monotonic() - answered > SILENT_SECONDS:
                    self._give_up(error)
                    return
            time.sleep(POLL_SECONDS)

    def _give_up(self, error: OSError) -> None:
        self.gone = True
        where = self.address or "of this machine"
        for task in list(self.at_work):
            if future := self.at_work.pop(task, None):
                said = f"the Ray cluster {where}: it has gone away ({error})"
                future.set_exception(ClusterFault(said))


def _is_gone(ray: Any, node: str, error: Exception) -> bool:
    """Whether a task that was bound to a node failed as that is lost; Ray notices it late."""
    # So fails what cannot go anywhere else, where its node is not there any more.
    if isinstance(error, ray.exceptions.TaskUnschedulableError):
        return True
    return not any(one["NodeID"] == node and one["Alive"] for one in ray.nodes())


def _as_known(error: BaseException) -> BaseException:
    """``error``, or the loss of a process behind it."""
    from ray.exceptions import (
        NodeDiedError,
        OutOfMemoryError,
        RayError,
        RayTaskError,
        WorkerCrashedError,
    )

    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, BrokenExecutor):
        return BrokenExecutor(str(cause))
    if isinstance(cause, OutOfMemoryError):
        return BrokenExecutor("Ray has ended the process of a pack for want of memory")
    if isinstance(cause, NodeDiedError | WorkerCrashedError):
        return BrokenExecutor(f"{KILLED}: every Ray worker that was at it has ended: {cause}")
    if isinstance(cause, RayError):
        return ClusterFault(f"Ray: {type(cause).__name__}: {cause}")
    return cause


def _knock(address: str | None) -> None:
    """See that something listens at ``address``: Ray itself tries for minutes.

    Raises:
        OSError: nothing does.
    """
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()


@contextmanager
def _signals_as_before() -> Iterator[None]:
    """Keep the handlers of this process, which Ray would replace."""
    before = {one: signal.getsignal(one) for one in SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _ray() -> Any:
    # As Ray will have it; unset, it warns.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise InputError(
            "hydra/launcher=pack_ray: needs Ray: pip install 'regsweep[ray]'"
        ) from None
    return ray
