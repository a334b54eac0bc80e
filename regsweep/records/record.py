"""The record of a run: the JSON file that is the only truth about it."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from regsweep.errors import InputError, machine_fault
from regsweep.records.atomic import write_text
from regsweep.records.stored import Unreadable, read_json
from regsweep.records.task import SCORES, Score, measures
from regsweep.records.typed import fault

SCHEMA = 3
# Each of the schemas that are read, and the fields that a record of it lacks.
LACKING: Mapping[int, frozenset[str]] = {
    1: frozenset({"started", "git", "role"}),
    2: frozenset({"role"}),
    SCHEMA: frozenset(),
}
FILE_NAME = "record.json"
HISTORY = "history.csv"
WEIGHTS = "weights.safetensors"
TEST_LOSSES = "test_losses.npy"
# What a run writes beside Hydra's folder and its log.
RUN_FILES = (HISTORY, WEIGHTS, TEST_LOSSES, FILE_NAME)

Stage = Literal["single", "search", "confirm"]
Status = Literal["completed", "diverged", "failed"]
# What a confirm run trains again: its arm's winner, its sparsest trial that is as good, or the
# winner with an ingredient taken out.
Role = Literal["winner", "sparsest", "ablation"]

STATISTICS = ("penalty", "l1_norm", "l2_norm", "zero_fraction", "near_zero_fraction")
# Of runs whose regularizer leaves out whole units, and of no others.
UNITS = "zero_units"
# Of runs that keep the weights of their best epoch, and of no others.
BEST_EPOCH = "best_epoch"
# What runs of some regularizers alone measure.
RARE = (UNITS, BEST_EPOCH)


def metrics_of(scores: Iterable[Score]) -> tuple[str, ...]:
    """The names of all metrics of runs with these scores, in their order."""
    return (*measures(scores), *STATISTICS)


# All that a run of any task may measure.
METRICS = (*metrics_of(SCORES.values()), *RARE)


class RecordError(Unreadable):
    """The file ``path`` should hold a record and does not, for ``reason``."""


@dataclass(frozen=True)
class Record:
    """What one run was asked for, how it ended and what it measured.

    ``run`` names the run directory, relative to its sweep; ``arm`` maps config groups to the
    choices compared; ``trial`` is the number of the Optuna trial or job, ``None`` for a lone
    run; ``params`` holds the searched keys and their values; ``config`` is the whole job config
    under dotted keys; ``metrics`` holds those of ``METRICS`` that the stage measures;
    ``seconds`` is wall time; ``error`` is a traceback, or ``None``; ``started`` is when its
    training began, in UTC, and ``git`` the commit of the working directory, if it has one;
    ``role`` is what a confirm run trains again, ``None`` of other stages and in older records,
    whose confirm runs are winners.
    """

    run: str
    stage: Stage
    arm: Mapping[str, str]
    trial: int | None
    seed: int
    status: Status
    overrides: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    environment: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    started: str | None = None
    git: str | None = None
    role: Role | None = None
    schema: int = SCHEMA


_FIELDS = frozenset(f.name for f in fields(Record))


def refuse_used(directory: Path) -> None:
    """InputError if ``directory`` holds a record: a finished run is never written over."""
    if (directory / FILE_NAME).exists():
        raise refused(directory)


def refuse_used_under(directory: Path) -> None:
    """InputError if ``directory`` or a folder below it holds a record."""
    if next(directory.rglob(FILE_NAME), None) is not None:
        raise refused(directory)


def refused(directory: Path) -> InputError:
    """The error that refuses ``directory``, as it holds a record."""
    return InputError(f"{directory}: the folder already holds a record; choose another")


def publish(record: Record, directory: Path) -> Path:
    """Write ``record`` into ``directory`` so that it is there whole or not at all.

    Temporary file in the same folder, fsync, rename, fsync of the folder.

    Raises:
        FileExistsError: the folder already holds a record.
        MachineFault: it cannot be written.
    """
    path = directory / FILE_NAME
    if path.exists():
        raise FileExistsError(f"{path}: already holds a record, which is never written over")
    content = {"schema": record.schema} | asdict(record)
    text = json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"
    try:
        return write_text(path, text)
    except OSError as error:
        raise machine_fault(error) or error from error


def read(path: Path) -> Record:
    """The record in the file ``path``, each field of the type that it should have.

    Raises:
        RecordError: the file is damaged, of a later schema, or a field is missing or wrong.
    """
    try:
        content = read_json(path)
    except Unreadable as error:
        raise RecordError(path, error.reason) from error
    if not isinstance(content, dict):
        raise RecordError(path, f"not a record (a JSON {type(content).__name__})")
    schema = content.get("schema")
    if type(schema) is not int or schema not in LACKING:
        known = f"1 to {SCHEMA}"
        raise RecordError(path, f"schema {schema!r:.60}, this version reads {known}")
    if content.keys() != _FIELDS - LACKING[schema]:
        wrong = ", ".join(sorted(content.keys() ^ (_FIELDS - LACKING[schema])))
        raise RecordError(path, f"fields missing or unknown: {wrong:.200}")
    # A number that was not finite is null there: as good as not measured.
    if isinstance(content["metrics"], dict):
        measured = content["metrics"].items()
        content["metrics"] = {name: value for name, value in measured if value is not None}
    if wrong_value := fault(content, Record):
        raise RecordError(path, wrong_value)
    content["overrides"] = tuple(content["overrides"])
    return Record(**content)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: such numbers become null (a diverged run has them)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
