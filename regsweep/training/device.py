"""The device that ``trainer.device`` names."""

import torch

from regsweep.errors import bad_value


def resolve_device(name: str, *, here: bool = True) -> torch.device:
    """``auto`` takes a GPU where there is one; InputError where the named one is not there.

    One that is not ``here`` but on a cluster is as it is named.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if here and device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise bad_value("trainer.device", name, f"auto or cpu: this machine has {count} CUDA GPUs")
    return device
