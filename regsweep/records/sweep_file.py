"""``sweep.json``: what a sweep was asked for and what was settled, written before its first job."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from regsweep.records.atomic import write_text
from regsweep.records.objective import JUDGED
from regsweep.records.settled import Settled
from regsweep.records.stored import Unreadable, read_json
from regsweep.records.typed import fault

FILE_NAME = "sweep.json"
COMPARE = "compare"
SCHEMA = 1


class OtherSchema(Unreadable):
    """A sweep file of a version that is not this one: not damaged, but not to be read either."""


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
    budget: Mapping[str, float] = field(default_factory=dict)
    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    baseline: str | None = None
    sampler: Mapping[str, Any] = field(default_factory=dict)
    baselines: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    search_path: tuple[str, ...] = ()
    schema: int = SCHEMA


def write(sweep: SweepFile, directory: Path) -> None:
    """Write ``sweep.json`` into ``directory``, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / FILE_NAME, json.dumps(asdict(sweep), indent=1) + "\n")


def is_there(directory: Path) -> bool:
    """Whether ``directory`` has anything of that name, be it readable or not."""
    return os.path.lexists(directory / FILE_NAME)


def read(directory: Path) -> SweepFile:
    """The sweep file in ``directory``.

    Raises:
        OtherSchema: it is of another version.
        Unreadable: it is damaged.
    """
    path = directory / FILE_NAME
    content = read_content(path)
    try:
        sweep = SweepFile(**content | {"settled": _settled(path, content)})
    except TypeError as error:
        raise Unreadable(path, f"damaged, or of another version ({error})") from error
    if sweep.sweeper == COMPARE:
        if not {"n_jobs", "replicates"} <= sweep.budget.keys():
            raise Unreadable(path, "damaged (budget without n_jobs or replicates)")
        if not len(sweep.arms) == len(sweep.spaces) == len(sweep.configs):
            raise Unreadable(path, "damaged (arms, spaces and configs differ in number)")
    return sweep


def belongs_to_compare(directory: Path) -> bool:
    """Whether the folder is one that the compare sweeper may go on with."""
    return is_there(directory) and read(directory).sweeper == COMPARE


def read_searched(directory: Path) -> tuple[str, ...]:
    """The searched keys of the sweep in ``directory``.

    Raises:
        Unreadable: its sweep file is damaged.
    """
    path = directory / FILE_NAME
    content = read_content(path)
    if "searched" not in content:
        raise Unreadable(path, "damaged, or of another version (searched is missing)")
    return tuple(content["searched"])


def read_settled(directory: Path) -> Settled:
    """What was settled for the sweep in ``directory``.

    Raises:
        Unreadable: its sweep file is damaged.
    """
    path = directory / FILE_NAME
    return _settled(path, read_content(path))


def read_content(path: Path) -> dict[str, Any]:
    """What the sweep file ``path`` holds, each part that is there of the type it should have.

    Raises:
        OtherSchema: it is of another version.
        Unreadable: it is damaged.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise Unreadable(path, f"a JSON {type(content).__name__}, expected an object")
    schema = content.get("schema", SCHEMA)
    if type(schema) is not int or schema != SCHEMA:
        raise OtherSchema(path, f"schema {schema!r:.60}, this version reads {SCHEMA}")
    if wrong := fault(content, SweepFile):
        raise Unreadable(path, wrong)
    objective = content.get("objective")
    if objective is not None and objective not in JUDGED:
        raise Unreadable(path, f"objective {objective!r}, expected one of {', '.join(JUDGED)}")
    return content


def _settled(path: Path, content: Mapping[str, Any]) -> Settled:
    try:
        return Settled(**content["settled"])
    except (TypeError, KeyError) as error:
        raise Unreadable(path, f"damaged, or of another version ({error})") from error
