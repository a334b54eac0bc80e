"""Packs of runs: dealt out evenly, trained on all cores, each published as it ends."""

import logging
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import replace
from itertools import pairwise
from math import ceil, inf
from typing import TypeVar

from regsweep.errors import MachineFault, machine_fault, wants_memory
from regsweep.packs.engines.engine import Engine
from regsweep.packs.worker import Pack
from regsweep.settings.run import fusible

log = logging.getLogger(__name__)

T = TypeVar("T")


def deal(jobs: Sequence[T], workers: int, widest: int) -> list[Sequence[T]]:
    """``jobs``, in their order, in packs of sizes that differ by one at most.

    As few packs as ``widest`` allows, but as many as there are ``workers`` to share them.
    """
    packs = min(len(jobs), max(ceil(len(jobs) / widest), min(workers, len(jobs))))
    share, rest = divmod(len(jobs), packs)
    ends = [share * i + min(i, rest) for i in range(packs + 1)]
    return [jobs[start:end] for start, end in pairwise(ends)]


def train_packs(
    engine: Engine,
    packs: Sequence[Pack],
    workers: int,
    work: Callable[[Pack], Callable[[], T]],
    on_narrower: Callable[[Pack, int], None] = lambda pack, width: None,
    has_come_further: Callable[[Pack], bool] = lambda pack: False,
) -> Generator[tuple[Pack, T | Exception], None, None]:
    """Train ``packs`` on ``engine``, ``workers`` at once; each as it ends, with what came of it.

    A worker calls what ``work`` makes of a pack, and that gives the results. A pack that fails for
    want of memory, or whose process dies, is trained again half as wide; one that fails otherwise,
    run by run. Only a run alone gives an error. Where a process dies with several packs at work,
    which of them it was is found by training each alone. ``on_narrower`` is told of a pack that
    the memory did not hold, and of the width that is tried next. A pack whose process dies is given
    again for as long as it ``has_come_further`` than when it was given last.

    Raises:
        MachineFault: the machine stands in the way, not a run.
    """
    waiting, suspects = deque(packs), deque[Pack]()
    running: dict[Future[T], tuple[Pack, bool]] = {}
    ended: list[tuple[Pack, T | Exception]] = []
    finished = False
    try:
        while waiting or suspects or running:
            alone = bool(suspects) or any(suspected for _, suspected in running.values())
            queue = suspects if suspects else waiting
            most = 1 if alone else inf if engine.takes_all else workers
            while queue and len(running) < most:
                pack = queue.popleft()
                try:
                    running[engine.submit(work(pack), workers, _kind(pack))] = pack, alone
                except BrokenExecutor:  # another pack killed a worker just now
                    queue.appendleft(pack)
                    break
            # Published while the next are at work.
            yield from ended
            ended.clear()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                (pack, suspected), error = running.pop(future), future.exception()
                if error is None:
                    ended.append((pack, future.result()))
                elif isinstance(error, BrokenExecutor) and has_come_further(pack):
                    waiting.appendleft(pack)
                elif isinstance(error, BrokenExecutor) and not suspected:
                    suspects.append(pack)
                elif not isinstance(error, Exception):
                    raise error
                elif fault := _fault(engine, pack, error):
                    raise fault from error
                elif parts := _smaller(pack, error):
                    log.warning("%s; trained again in %d packs", _told(pack, error), len(parts))
                    if _wants_memory(error):
                        on_narrower(pack, parts[0].width)
                    (suspects if suspected else waiting).extendleft(reversed(parts))
                else:
                    ended.append((pack, error))
        yield from ended
        finished = True
    finally:
        if not finished:  # an interrupt: what is at work is not waited for
            engine.kill()


def _kind(pack: Pack) -> Hashable:
    """What packs that take about as long have in common."""
    return fusible(pack.runs[0]), pack.test, len(pack.runs)


def _fault(engine: Engine, pack: Pack, error: Exception) -> MachineFault | None:
    """The fault of the machine that kept ``pack`` from being trained, if it was one.

    A process that is killed with one run in it is the run's failure only where the kernel says that
    it ended a process for want of memory.
    """
    if not isinstance(error, BrokenExecutor):
        return machine_fault(error)
    if _wide(pack) == 1 and engine.blames_the_machine(error):
        return MachineFault(
            f"job {pack.jobs[0]}: the process that trained it alone was killed, and not by the "
            "kernel for want of memory"
        )
    return None


def _wide(pack: Pack) -> int:
    """The runs that ``pack`` trains at once; a compiled one is filled up."""
    return pack.width if pack.mode == "compiled" else len(pack.runs)


def _smaller(pack: Pack, error: Exception) -> list[Pack]:
    """What to train instead of ``pack``, which failed with ``error``; nothing for a run alone."""
    runs = len(pack.runs)
    wide = _wide(pack)
    if wide == 1:
        return []
    width = ceil(wide / 2) if _wants_memory(error) else 1
    if runs == width == 1 and not _wants_memory(error):
        return []
    starts = range(0, runs, width)
    return [
        replace(
            pack,
            jobs=pack.jobs[start : start + width],
            runs=pack.runs[start : start + width],
            width=width,
        )
        for start in starts
    ]


def _wants_memory(error: Exception) -> bool:
    """Whether less might fit: a process that the kernel killed has no other last words."""
    return isinstance(error, BrokenExecutor) or wants_memory(error)


def _told(pack: Pack, error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return f"{len(pack.runs)} runs at once: {type(error).__name__}: {line}"
