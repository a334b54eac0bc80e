"""Packs of runs: dealt out evenly, trained on all cores, each published as it ends."""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import replace
from itertools import pairwise
from math import ceil
from typing import Any, TypeVar

from loky import get_reusable_executor

from regsweep.worker import Pack, Trained, prepare, train

log = logging.getLogger(__name__)

# An idle worker waits for the next round of the sweep; a new one loads and compiles again.
IDLE_SECONDS = 3600

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
    packs: Sequence[Pack], workers: int
) -> Iterator[tuple[Pack, list[Trained] | Exception]]:
    """Train ``packs`` in ``workers`` processes; each as it ends, with its results or its error.

    A pack that fails, for want of memory for instance, is trained again as two halves, down to
    single runs: only those give an error. Where a process dies with several packs at work, which
    of them it was is found by training each alone.
    """
    waiting, suspects = deque(packs), deque[Pack]()
    running: dict[Future[list[Trained]], Pack] = {}
    ended = False
    try:
        while waiting or suspects or running:
            while (suspects and not running) or (
                waiting and not suspects and len(running) < workers
            ):
                pack = (suspects or waiting).popleft()
                running[_executor(workers).submit(train, pack)] = pack
            done, others = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                pack, error = running.pop(future), future.exception()
                if error is None:
                    yield pack, future.result()
                elif isinstance(error, BrokenExecutor) and len(done) + len(others) > 1:
                    suspects.append(pack)
                elif not isinstance(error, Exception):
                    raise error
                elif len(pack.runs) > 1:
                    log.warning("%s; the pack is trained again as two halves", _told(pack, error))
                    deadly = isinstance(error, BrokenExecutor)
                    (suspects if deadly else waiting).extendleft(reversed(_halves(pack)))
                else:
                    yield pack, error
        ended = True
    finally:
        if not ended:  # an interrupt: what is at work is not waited for
            _executor(workers).shutdown(wait=False, kill_workers=True)


def _executor(workers: int) -> Any:
    """The worker processes: those of the round before, or new ones after a death."""
    return get_reusable_executor(
        workers, timeout=IDLE_SECONDS, initializer=prepare, env={"OMP_NUM_THREADS": "1"}
    )


def _halves(pack: Pack) -> list[Pack]:
    half = ceil(len(pack.runs) / 2)
    return [
        replace(pack, jobs=pack.jobs[part], runs=pack.runs[part], width=ceil(pack.width / 2))
        for part in (slice(half), slice(half, None))
    ]


def _told(pack: Pack, error: Exception) -> str:
    line = str(error).partition("\n")[0]
    return f"{len(pack.runs)} runs at once: {type(error).__name__}: {line}"
