"""``sweep.json``: what a sweep was asked for and what was settled, written before its first job."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from regsweep.atomic import write_text
from regsweep.errors import InputError
from regsweep.settle import Settled

FILE_NAME = "sweep.json"
COMPARE = "compare"


@dataclass(frozen=True)
class SweepFile:
    """What was asked (overrides, arms, searched keys, what a search minimises) and settled.

    ``search_path`` are the places of configs that the command line named. Of a compare sweep also,
    each arm's in the order of ``arms``: search spaces, configs under dotted keys, numbers of
    trials and baselines; and the budget, the seeds of both stages and the sampler. ``baseline`` is
    that of all arms, ``None`` where they differ in it.
    """

    overrides: tuple[str, ...]
    sweeper: str
    arms: tuple[Mapping[str, str], ...]
    searched: tuple[str, ...]
    objective: str
    seed: int
    settled: Settled
    versions: Mapping[str, str]
    spaces: tuple[Mapping[str, str], ...] = ()
    configs: tuple[Mapping[str, Any], ...] = ()
    budget: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    baseline: str | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)
    baselines: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    search_path: tuple[str, ...] = ()
    schema: int = 1


def write(sweep: SweepFile, directory: Path) -> None:
    """Write ``sweep.json`` into ``directory``, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / FILE_NAME, json.dumps(asdict(sweep), indent=1) + "\n")


def read(directory: Path) -> SweepFile:
    """The sweep file in ``directory``.

    Raises:
        InputError: it is damaged, or of another version.
    """
    try:
        content = _read(directory)
        settled = Settled(**content.pop("settled"))
        sweep = SweepFile(**content, settled=settled)
        if sweep.sweeper == COMPARE:
            _ = [sweep.budget[key] for key in ("n_jobs", "replicates")]
            if not len(sweep.arms) == len(sweep.spaces) == len(sweep.configs):
                raise ValueError("arms, spaces and configs differ in number")
        return sweep
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{directory / FILE_NAME}: damaged, or of another version ({error})"
        ) from error


def belongs_to_compare(directory: Path) -> bool:
    """Whether the folder is one that the compare sweeper may go on with."""
    path = directory / FILE_NAME
    return path.exists() and read(directory).sweeper == COMPARE


def read_searched(directory: Path) -> tuple[str, ...]:
    """The searched keys of the sweep in ``directory``."""
    return tuple(_read(directory)["searched"])


def read_settled(directory: Path) -> Settled:
    """What was settled for the sweep in ``directory``."""
    return Settled(**_read(directory)["settled"])


def _read(directory: Path) -> dict[str, Any]:
    content = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"a JSON {type(content).__name__}, expected an object")
    return content
