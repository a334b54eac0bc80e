"""What a run ran on: the part of a record that explains a difference between machines."""

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

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


def describe(device: "torch.device", mode: "Mode", trainer: "Trainer") -> dict[str, Any]:
    """The versions, the device, compiled or eager, the threads and the precision of a run."""
    import torch

    from regsweep.training.pack import THREADS

    cuda = device.type == "cuda"
    return {
        "versions": package_versions(),
        "platform": platform.platform(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if cuda else platform.machine(),
        "mode": mode,
        "threads": THREADS,
        "matmul_precision": trainer.matmul_precision,
    }
