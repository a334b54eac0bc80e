"""A Ray cluster as an engine: its workers run packs, each in a process of its own."""

import os
import signal
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.child import in_a_child
from regsweep.packs.engines.local import KILLED, SIGNALS
from regsweep.packs.engines.peers import Peer, peer, refuse_others
from regsweep.sweep.cluster import RayCluster

T = TypeVar("T")

KNOCK_SECONDS = 15


class Ray:
    """The CPUs of a cluster; without an address, of this machine."""

    apart = True

    def __init__(self, cluster: RayCluster) -> None:
        self.address = cluster.address
        self.task: Any = None  # what runs a call on a worker
        self.owner = uuid.uuid4().hex
        self.at_work: dict[Any, Future[Any]] = {}

    def reach(self, workers: int | None) -> int:
        """Find the cluster, or start one; how many calls it runs at once.

        Raises:
            InputError: Ray is not installed.
            ClusterFault: no cluster answers, or a worker's packages differ.
        """
        ray = _ray()
        if self.task is None:
            self._begin(ray, workers)
        return workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def submit(self, call: Callable[[], T], at_once: int) -> Future[T]:
        """``call`` in a process of one of the workers, as soon as a CPU is free."""
        self.reach(at_once)
        future: Future[T] = Future()
        task = self.task.remote(self.owner, pickled(call))
        self.at_work[task] = future
        task.future().add_done_callback(partial(self._hand_over, task))
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
        self.task = None
        ray = _ray()
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
        # What a dead worker was at goes to another one, by Ray.
        self.task = ray.remote(num_cpus=1, max_retries=2)(in_a_child)
        if self.address is not None:
            refuse_others(self._peers(ray))

    def _peers(self, ray: Any) -> dict[str, Peer]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = {}
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU"):
                name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
                on_it = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                there[name] = ray.remote(scheduling_strategy=on_it)(peer).remote()
        try:
            return {name: ray.get(asked) for name, asked in there.items()}
        except Exception as error:
            self.kill()
            raise ClusterFault(
                f"hydra.launcher.address={self.address}: its nodes cannot run regsweep "
                f"({type(error).__name__}: {error}); install it there as it is here"
            ) from error

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
