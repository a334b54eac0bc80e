"""This process as an engine: one call after the other, for debuggers and notebooks."""

from collections.abc import Callable, Hashable
from concurrent.futures import BrokenExecutor, Future
from typing import TypeVar

T = TypeVar("T")


class InProcess:
    """Runs each call when it is submitted; there is nothing to start, to lose or to end."""

    apart = False
    takes_all = False

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call``, which has ended when this returns; an interrupt is raised here."""
        future: Future[T] = Future()
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """No: it loses no process but with the sweep."""
        return False

    def dismiss(self) -> None:
        """Nothing."""

    def kill(self) -> None:
        """Nothing."""
