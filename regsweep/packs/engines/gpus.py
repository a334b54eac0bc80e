"""A GPU for each worker process of this machine."""

import fcntl
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

# The environment variable that CUDA reads when a process first uses it: cuda:0 is the first named.
VARIABLE = "CUDA_VISIBLE_DEVICES"


def visible_gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as CUDA names them."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return tuple(one for one in named.split(",") if one)
    import torch

    return tuple(str(one) for one in range(torch.cuda.device_count()))


def take_gpu(gpus: Sequence[str], folder: str | Path) -> None:
    """Have ``cuda`` name another of ``gpus`` in each process that calls this, while there are any.

    A process takes the first place that none of those that live has, by a lock in ``folder``, and
    so the place of one that died. The others of ``gpus`` follow the first in their order, so that
    in the process of place 0 ``cuda:1`` is what it was.
    """
    place = next(place for place in count() if _lock(Path(folder, f"gpu-{place}"))) % len(gpus)
    os.environ[VARIABLE] = ",".join([*gpus[place:], *gpus[:place]])


def _lock(path: Path) -> bool:
    """Whether this process has the lock, which it then holds as long as it lives."""
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return False
    return True
