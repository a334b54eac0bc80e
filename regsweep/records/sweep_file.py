"""``sweep.json``: what a sweep was asked for and what was settled, written before its first job."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from regsweep.records.atomic import write_text
from regsweep.records.objective import JUDGED
from regsweep.records.settled import Settled
from regsweep.records.stored import Unreadable, read_json
from regsweep.records.typed import fault

FILE_NAME = "sweep.json"
COMPARE = "compare"
SCHEMA = 1

# What the seed of a confirm run draws: with ``rows`` also the rows that train and validate.
Resample = Literal["seeds", "rows"]


class OtherSchema(Unreadable):
    """A sweep file of a version that is not this one: not damaged, but not to be read either."""


@dataclass(frozen=True)
class SweepFile:
    """What was asked (overrides, arms, searched keys, what a search minimises) and settled.

    ``search_path`` are the places of configs that the command line named, ``steps`` the fewest of
    the optimizer in any run. ``data`` is what is known of each arm's data, in the order of
    ``arms``: the numbers of examples (``train``, ``validation``, ``test``), ``classes``, and the
    SHA-256 of ``files`` by their key; empty for an arm that varies its data. ``study`` has the
    SHA-256 of the files of a study whose choices are used, and ``command`` is what runs it. Older
    files have none of these. Of a compare sweep also, each arm's in the order of ``arms``: search
    spaces, configs under dotted keys, numbers of trials and baselines; and the budget, the seeds of
    both stages and the sampler. ``baseline`` is that of all arms, ``None`` where they differ in it;
    ``looks`` are the numbers of confirm seeds at which arms are judged, ``margin`` is the share of
    a baseline's mean that does not matter, and ``exploratory`` says what of this was changed after
    a look, or is not known to be older than it. ``resample`` is what the seed of a confirm run
    draws, ``sparsest`` says of each arm whether its sparsest trial is confirmed too, and
    ``ablated`` the keys of the ingredients that are taken out of its winner, where they are on.
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
    looks: tuple[int, ...] = ()
    margin: float | None = None
    exploratory: str | None = None
    resample: Resample = "seeds"
    sparsest: tuple[bool, ...] = ()
    ablated: tuple[tuple[str, ...], ...] = ()
    trials: tuple[int, ...] = ()
    search_path: tuple[str, ...] = ()
    steps: int | None = None
    data: tuple[Mapping[str, Any], ...] = ()
    study: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    schema: int = SCHEMA

    @property
    def compares(self) -> bool:
        """Whether it is a sweep of ``hydra/sweeper=compare``, which plans a budget and tests."""
        return self.sweeper == COMPARE


_KNOWN = frozenset(field.name for field in fields(SweepFile))
_REQUIRED = frozenset(
    field.name
    for field in fields(SweepFile)
    if field.default is MISSING and field.default_factory is MISSING
)


def write(sweep: SweepFile, directory: Path) -> None:
    """Write ``sweep.json`` into ``directory``, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / FILE_NAME, json.dumps(asdict(sweep), indent=1) + "\n")


def is_there(directory: Path) -> bool:
    """Whether ``directory`` has anything of that name, be it readable or not."""
    return os.path.lexists(directory / FILE_NAME)


def read(directory: Path) -> SweepFile:
    """The sweep file in ``directory``, each of its parts of the type that it should have.

    Raises:
        OtherSchema: it is of another version.
        Unreadable: it is damaged, or a part is missing or unknown.
    """
    path = directory / FILE_NAME
    content = read_json(path)
    if not isinstance(content, dict):
        raise Unreadable(path, f"a JSON {type(content).__name__}, expected an object")
    schema = content.get("schema", SCHEMA)
    if type(schema) is not int or schema != SCHEMA:
        raise OtherSchema(path, f"schema {schema!r:.60}, this version reads {SCHEMA}")
    if wrong := fault(content, SweepFile):
        raise Unreadable(path, wrong)
    for words, keys in (
        ("missing", _REQUIRED - content.keys()),
        ("unknown", content.keys() - _KNOWN),
    ):
        if keys:
            raise Unreadable(path, f"damaged, or of another version ({words}: {_listed(keys)})")
    if content["objective"] not in JUDGED:
        known = ", ".join(JUDGED)
        raise Unreadable(path, f"objective {content['objective']!r}, expected one of {known}")
    try:
        sweep = SweepFile(**content | {"settled": Settled(**content["settled"])})
    except TypeError as error:
        raise Unreadable(path, f"damaged, or of another version ({error})") from error
    if sweep.compares:
        if not {"n_jobs", "replicates"} <= sweep.budget.keys():
            raise Unreadable(path, "damaged (budget without n_jobs or replicates)")
        if not len(sweep.arms) == len(sweep.spaces) == len(sweep.configs):
            raise Unreadable(path, "damaged (arms, spaces and configs differ in number)")
    return sweep


def _listed(keys: Iterable[str]) -> str:
    return f"{', '.join(sorted(keys)):.200}"


def belongs_to_compare(directory: Path) -> bool:
    """Whether the folder is one that the compare sweeper may go on with."""
    return is_there(directory) and read(directory).compares
