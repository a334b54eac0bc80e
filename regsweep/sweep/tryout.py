"""The compiled step of a sweep, tried where its runs will train, before they do."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING

from regsweep.errors import ClusterFault, MachineFault, wants_memory
from regsweep.settings.run import Run

if TYPE_CHECKING:
    import torch

    from regsweep.training.pack import Mode

log = logging.getLogger(__name__)

# Runs calls where a sweep trains, so many at once.
RunAll = Callable[[Sequence[Callable[[], None]], int], None]


def in_turn(calls: Sequence[Callable[[], None]], at_once: int) -> None:
    """Run ``calls`` in this process."""
    for call in calls:
        call()


def fault_of_compiled(
    kinds: Sequence[tuple[Run, int, "torch.device", bool]], workers: int, run_all: RunAll
) -> str | None:
    """Why the steps of ``kinds`` cannot be compiled; or nothing.

    Each is a run, a width, a device, and whether it is computed alone.

    What is compiled here is what the sweep trains with: the ``workers`` of ``run_all`` share it
    out, and each compiles one at least, for the first round.
    """
    from regsweep.training.pack import try_compiled

    if kinds:
        log.info("compiling a step, and trying it against the eager one")
    tried = [partial(try_compiled, *kind) for kind in kinds]
    try:
        run_all(list(islice(cycle(tried), max(workers, len(tried)))), workers)
    except ClusterFault:
        raise
    except MachineFault as fault:
        return str(fault)
    except BrokenExecutor:
        return "torch.compile ends the process that calls it"
    except Exception as error:
        # Narrower packs may fit, as a round finds out.
        if not wants_memory(error):
            raise
    return None


def why_alone(
    run: Run, width: int, device: "torch.device", mode: "Mode", run_all: RunAll
) -> str | None:
    """Why runs like ``run`` are not trained in packs of ``width``, as a trial says; or nothing.

    Raises:
        MachineFault: ``torch.compile`` does not work here.
    """
    from regsweep.training.packable import NotPackable, try_packed

    try:
        run_all([partial(try_packed, run, width, device, mode)], 1)
    except NotPackable as reason:
        return str(reason)
    except BrokenExecutor:
        return "a pack ends the process that trains it"
    except Exception as error:
        if not wants_memory(error):
            raise
        return "a pack does not fit the memory"
    return None
