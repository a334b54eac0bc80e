"""The compiled step of a sweep, tried where its runs will train, before they do."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING

from regsweep.errors import MachineFault, wants_memory
from regsweep.packs.engines.local import kill_workers, submit
from regsweep.settings.run import Run

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


def fault_of_compiled(
    kinds: Sequence[tuple[Run, int, "torch.device"]], workers: int | None
) -> str | None:
    """Why the steps of ``kinds``, each a run, a width and a device, cannot be compiled; or nothing.

    What is compiled here is what the sweep trains with: ``workers`` processes share it out, and
    each compiles one at least, for the first round. Without ``workers``, this process does.
    """
    from regsweep.training.pack import try_compiled

    if kinds:
        log.info("compiling a step, and trying it against the eager one")
    tried = [partial(try_compiled, *kind) for kind in kinds]
    try:
        if workers is None:
            for one in tried:
                one()
        else:
            _in_workers(islice(cycle(tried), max(workers, len(tried))), workers)
    except MachineFault as fault:
        return str(fault)
    except BrokenExecutor:
        return "torch.compile ends the process that calls it"
    except Exception as error:
        # Narrower packs may fit, as a round finds out.
        if not wants_memory(error):
            raise
    return None


def _in_workers(calls: Iterable[Callable[[], None]], workers: int) -> None:
    finished = False
    try:
        for future in [submit(call, workers) for call in calls]:
            future.result()
        finished = True
    finally:
        if not finished:  # what is at work is not waited for
            kill_workers()
