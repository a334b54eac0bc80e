"""Whether a machine has what runs need: their devices and their data."""

import logging
from collections.abc import Sequence
from pathlib import Path

from regsweep.data.fetch import ensure_files
from regsweep.data.source import find_source
from regsweep.settings.data import Published
from regsweep.settings.run import Run

log = logging.getLogger(__name__)


def check_machine(runs: Sequence[Run], devices: Sequence[str] = ()) -> None:
    """Whether the devices are there, also ``devices`` that were settled earlier, and the data.

    Raises:
        InputError: one of them is not.
    """
    for name in {run.trainer.device for run in runs} | set(devices):
        if name.startswith("cuda"):
            from regsweep.training.device import resolve_device

            resolve_device(name)
    for name, root in {(r.data.name, r.data.root) for r in runs if isinstance(r.data, Published)}:
        ensure_files(find_source(name), Path(root))
    _check_own(runs)


def _check_own(runs: Sequence[Run]) -> None:
    """Read the data of the user's own, and check the runs by what they hold."""
    own = [run for run in runs if not isinstance(run.data, Published)]
    if not own:
        return
    from regsweep.training.load import facts_of

    for data in dict.fromkeys(run.data for run in own):
        for note in facts_of(data).notes:
            log.info("%s", note)
    for run in own:
        run.check(facts_of(run.data))
