"""Which engine runs the packs of a sweep."""

from collections.abc import Callable, Sequence
from functools import partial

from regsweep.packs.engines.engine import Engine
from regsweep.packs.engines.in_process import InProcess
from regsweep.packs.engines.local import Local
from regsweep.sweep.packing import Packing
from regsweep.sweep.tryout import RunAll, in_turn

# One of each a process: loky's workers are shared by all that ask for them.
IN_PROCESS, LOCAL = InProcess(), Local()


def engine_of(packing: Packing) -> Engine:
    """``hydra.launcher.workers=0`` keeps all in this process."""
    return IN_PROCESS if packing.workers == 0 else LOCAL


def dismiss_all() -> None:
    """Dismiss what the engines of this process have started."""
    for engine in (IN_PROCESS, LOCAL):
        engine.dismiss()


def runner_of(packing: Packing | None) -> RunAll:
    """What runs calls where a sweep trains: its engine, or this process where it packs nothing."""
    return in_turn if packing is None else partial(run_all, engine_of(packing))


def run_all(engine: Engine, calls: Sequence[Callable[[], None]], at_once: int) -> None:
    """Run ``calls`` on ``engine``; the first error ends them all.

    Raises:
        BrokenExecutor: a call has ended its process.
    """
    finished = False
    try:
        for future in [engine.submit(call, at_once) for call in calls]:
            future.result()
        finished = True
    finally:
        if not finished:  # what is at work is not waited for
            engine.kill()
