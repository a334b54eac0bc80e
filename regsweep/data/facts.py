"""What is known of data before anything trains on them: shapes, numbers of examples, names."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from regsweep.records.task import TaskName

_NOT_STORED = ("notes", "largest", "halves")


@dataclass(frozen=True)
class Facts:
    """Of split data: the ``shape`` of one input, and what there is of each part.

    A network is to have ``outputs`` outputs: one a class, one a label, one a number, or one for two
    classes, as the ``task`` is. ``classes`` are the names of classes or labels in that order,
    empty where they have none. ``files`` has the SHA-256 of each file that the user
    gave, by its key, and ``notes`` what is to be said once, before anything trains. Targets that
    are numbers are learned as ``(number - mean) / deviation``, of each output. ``largest`` is the
    largest magnitude of inputs that are integers, ``None`` where they are bytes or floats.
    ``halves`` are the validation rows that may stop a run, and those that then judge it.
    """

    shape: tuple[int, ...]
    outputs: int
    train: int
    validation: int
    test: int
    classes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    task: TaskName = "classification"
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    largest: int | None = None
    halves: tuple[int, int] = (0, 0)

    def stored(self) -> dict[str, Any]:
        """What a sweep keeps of them."""
        return {name: value for name, value in asdict(self).items() if name not in _NOT_STORED}
