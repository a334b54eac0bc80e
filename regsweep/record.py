"""The record of a run: the JSON file that is the only truth about it."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from regsweep.atomic import write_text
from regsweep.errors import InputError

SCHEMA = 1
FILE_NAME = "record.json"
LARGEST_INTEGER = 2**63 - 1

Stage = Literal["single", "search", "confirm"]
Status = Literal["completed", "diverged", "failed"]

METRICS = (
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "test_loss",
    "test_accuracy",
    "penalty",
    "l1_norm",
    "l2_norm",
    "zero_fraction",
    "near_zero_fraction",
)


class RecordError(Exception):
    """The file ``path`` should hold a record and does not, for ``reason``."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True)
class Record:
    """What one run was asked for, how it ended and what it measured.

    ``run`` names the run directory, relative to its sweep; ``arm`` maps config groups to the
    choices compared; ``trial`` is the number of the Optuna trial or job, ``None`` for a lone
    run; ``params`` holds the searched keys and their values; ``config`` is the whole job config
    under dotted keys; ``metrics`` holds those of ``METRICS`` that the stage measures;
    ``seconds`` is wall time; ``error`` is a traceback, or ``None``.
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
    schema: int = SCHEMA


_FIELDS = frozenset(f.name for f in fields(Record))
_WORDS = (("stage", get_args(Stage)), ("status", get_args(Status)))


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
    """
    path = directory / FILE_NAME
    if path.exists():
        raise FileExistsError(f"{path}: already holds a record, which is never written over")
    content = {"schema": record.schema} | asdict(record)
    return write_text(path, json.dumps(_finite(content), indent=1, allow_nan=False) + "\n")


def read(path: Path) -> Record:
    """The record in the file ``path``, each field of the type that it should have.

    Raises:
        RecordError: the file is damaged, of another schema, or a field is missing or wrong.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(path, f"unreadable ({error})") from error
    if not isinstance(content, dict):
        raise RecordError(path, f"not a record (a JSON {type(content).__name__})")
    if content.get("schema") != SCHEMA:
        raise RecordError(path, f"schema {content.get('schema')!r}, this version reads {SCHEMA}")
    if content.keys() != _FIELDS:
        wrong = ", ".join(sorted(content.keys() ^ _FIELDS))
        raise RecordError(path, f"fields missing or unknown: {wrong}")
    fault = _fault(content)
    if fault:
        raise RecordError(path, fault)
    content["overrides"] = tuple(content["overrides"])
    return Record(**content)


def _fault(content: Mapping[str, Any]) -> str | None:
    """The first field that is not what it should be; an edited file may hold any JSON anywhere."""
    for key, allowed in _WORDS:
        if content[key] not in allowed:
            return f"{key} {content[key]!r}, expected one of {', '.join(allowed)}"
    for key in ("arm", "params", "config", "metrics", "environment"):
        if not isinstance(content[key], dict):
            return f"{key} is no JSON object"
    if not isinstance(content["overrides"], list):
        return "overrides is no list"
    for key in ("seed", "epochs", "trial"):
        value = content[key]
        lone = key == "trial" and value is None
        if not lone and (type(value) is not int or abs(value) > LARGEST_INTEGER):
            return f"{key} {value!r}, expected an integer of 64 bits"
    for key, number in {"seconds": content["seconds"], **content["metrics"]}.items():
        if type(number) is int and abs(number) > LARGEST_INTEGER:
            return f"{key} is out of range"
        if number is not None and type(number) not in (int, float):
            return f"{key} {number!r}, expected a number"
    if not isinstance(content["run"], str) or not isinstance(content["error"], str | None):
        return "run or error is no string"
    return None


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: such numbers become null (a diverged run has them)."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
