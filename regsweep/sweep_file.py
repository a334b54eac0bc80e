"""``sweep.json``: what a sweep was asked for, written before its first job."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from regsweep.atomic import write_text

FILE_NAME = "sweep.json"


@dataclass(frozen=True)
class SweepFile:
    """What was asked: the overrides, the arms, the searched keys, and what a search minimises."""

    overrides: tuple[str, ...]
    sweeper: str
    arms: tuple[Mapping[str, str], ...]
    searched: tuple[str, ...]
    objective: str
    seed: int
    versions: Mapping[str, str]
    schema: int = 1


def write(sweep: SweepFile, directory: Path) -> None:
    """Write ``sweep.json`` into ``directory``, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / FILE_NAME, json.dumps(asdict(sweep), indent=1) + "\n")


def read_searched(directory: Path) -> tuple[str, ...]:
    """The searched keys of the sweep in ``directory``."""
    content = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
    return tuple(content["searched"])
