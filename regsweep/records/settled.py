"""What is settled once for all runs of a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Settled:
    """How the runs of a sweep are computed.

    ``packed`` and ``alone`` are the networks and penalties that are not built in, as overrides name
    them, each with the reason why its runs train in packs or one by one.

    ``mode`` holds for the runs with ``trainer.compile=auto``; ``pack_width`` is the most runs
    that train as one. ``processor`` names those that train, of a cluster all that are known; older
    sweeps do not.
    """

    device: str
    mode: Literal["compiled", "eager"]
    threads: int
    matmul_precision: str
    pack_width: int
    packed: Mapping[str, str] = field(default_factory=dict)
    alone: Mapping[str, str] = field(default_factory=dict)
    processor: str = ""
