"""``sweep.json``: what a sweep was asked for and what was settled, written before its first job."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from regsweep.atomic import write_text
from regsweep.settle import Settled

FILE_NAME = "sweep.json"


@dataclass(frozen=True)
class SweepFile:
    """What was asked (overrides, arms, searched keys, what a search minimises) and settled."""

    overrides: tuple[str, ...]
    sweeper: str
    arms: tuple[Mapping[str, str], ...]
    searched: tuple[str, ...]
    objective: str
    seed: int
    settled: Settled
    versions: Mapping[str, str]
    schema: int = 1


def write(sweep: SweepFile, directory: Path) -> None:
    """Write ``sweep.json`` into ``directory``, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / FILE_NAME, json.dumps(asdict(sweep), indent=1) + "\n")


def read_searched(directory: Path) -> tuple[str, ...]:
    """The searched keys of the sweep in ``directory``."""
    return tuple(_read(directory)["searched"])


def read_settled(directory: Path) -> Settled:
    """What was settled for the sweep in ``directory``."""
    return Settled(**_read(directory)["settled"])


def _read(directory: Path) -> dict[str, Any]:
    content = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content
