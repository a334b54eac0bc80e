"""What is settled once for all runs of a sweep."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Settled:
    """How the runs of a sweep are computed.

    ``mode`` holds for the runs with ``trainer.compile=auto``; ``pack_width`` is the most runs
    that train as one.
    """

    device: str
    mode: Literal["compiled", "eager"]
    threads: int
    matmul_precision: str
    pack_width: int
