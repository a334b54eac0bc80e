"""What a run ran on: the part of a record that explains a difference between machines."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from regsweep.sweep.processor import processor

if TYPE_CHECKING:
    import torch

    from regsweep.settings.trainer import Trainer
    from regsweep.training.pack import Mode

PACKAGES = ("regsweep", "torch", "hydra-core", "optuna", "pandas", "scikit-learn")


@cache
def package_versions() -> Mapping[str, str]:
    """The versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def now() -> str:
    """The time in UTC, to the millisecond, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def name_of(device: "torch.device") -> str:
    """The model of the GPU or of the processor; the device's own name where it is not here."""
    import torch

    if device.type == "cpu":
        return processor()
    return torch.cuda.get_device_name(device) if torch.cuda.is_available() else str(device)


def describe(
    device: "torch.device", device_name: str, mode: "Mode", trainer: "Trainer"
) -> dict[str, Any]:
    """The versions, the device, compiled or eager, the threads and the precision of a run."""
    from regsweep.training.pack import THREADS

    return {
        "versions": package_versions(),
        "platform": platform.platform(),
        "device": str(device),
        "device_name": device_name,
        "mode": mode,
        "threads": THREADS,
        "matmul_precision": trainer.matmul_precision,
    }
