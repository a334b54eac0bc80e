"""What an engine is: where the functions of packs run."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Protocol, TypeVar

from regsweep.packs.engines.peers import Peer

T = TypeVar("T")


class Engine(Protocol):
    """Runs functions, ``at_once`` at a time, and keeps what runs them from call to call.

    A function and what it gives are pickled where they go to another process. An error in a
    function is its future's exception; that of a lost process is a ``BrokenExecutor``.
    """

    apart: bool
    """Whether functions run in other processes than the one that leads the sweep."""

    takes_all: bool
    """Whether calls beyond those that run at once wait there, to be run several in one process."""

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call``, to be run; calls of a ``kind`` need about as much time and memory.

        Raises:
            BrokenExecutor: another call has just ended its process.
        """

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """Whether a process that ran one run alone was ``lost`` through no fault of the run."""

    def dismiss(self) -> None:
        """Let what runs the functions end, once it has done what was submitted; do not wait."""

    def kill(self) -> None:
        """End what runs the functions, whatever it does."""


class ClusterEngine(Engine, Protocol):
    """An engine on a cluster, whose workers need not see what this process sees."""

    def reach(self, workers: int | None) -> int:
        """Have the cluster answer; how many calls it runs at once, ``workers`` if they are given.

        Raises:
            InputError: it cannot be used; the message says what to change.
        """

    def peers(self, packages: Sequence[str]) -> Mapping[str, Peer]:
        """What the workers have, by their names: all of them, or one where they come and go.

        Raises:
            ClusterFault: one cannot run regsweep.
        """
