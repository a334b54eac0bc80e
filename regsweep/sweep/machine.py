"""Whether a machine has what runs need: their devices and their data."""

from collections.abc import Sequence
from pathlib import Path

from regsweep.data.fetch import ensure_files
from regsweep.settings.run import Run


def check_machine(runs: Sequence[Run], devices: Sequence[str] = ()) -> None:
    """Whether the devices are there, also ``devices`` that were settled earlier, and the data.

    Raises:
        InputError: one of them is not.
    """
    for name in {run.trainer.device for run in runs} | set(devices):
        if name.startswith("cuda"):
            from regsweep.training.device import resolve_device

            resolve_device(name)
    for data in {(run.data.name, run.data.root): run.data for run in runs}.values():
        ensure_files(data.source, Path(data.root))
