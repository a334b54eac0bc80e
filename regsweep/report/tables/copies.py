"""Records that lie in several folders: each is evidence once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regsweep.records.record import Record


@dataclass(frozen=True)
class Placed:
    """A record, the folder that it was read from and that of its sweep, empty outside any."""

    sweep: str
    record: Record
    folder: str


def without_copies(placed: Sequence[Placed]) -> tuple[list[Placed], dict[str, str]]:
    """The runs with each record once, and the folder of every copy with that of its original.

    A copied folder holds the same record to the last digit, the time that it took included. Kept
    is the one in the sweep that holds the most, and there the one in the folder that it names.
    """
    sizes = Counter(run.sweep for run in placed)
    alike: dict[Any, list[Placed]] = {}
    for run in placed:
        alike.setdefault(_signature(run), []).append(run)
    copies: dict[str, str] = {}
    for same in alike.values():
        while len(same) > 1:
            original = min(same, key=lambda run: _preference(run, sizes))
            for run in same:
                if run is not original and run.record == original.record:
                    copies[run.folder] = original.folder
            same = [run for run in same if run is not original and run.folder not in copies]
    return [run for run in placed if run.folder not in copies], copies


def _signature(run: Placed) -> Any:
    """Equal for copies, and hardly ever for others; without a time nothing tells a copy."""
    record = run.record
    timed = record.started is not None or record.seconds > 0
    return (record.run, record.started, record.seconds) if timed else run.folder


def _preference(run: Placed, sizes: Counter[str]) -> tuple[int, bool, int, str]:
    misplaced = not run.folder.endswith(run.record.run)
    return -sizes[run.sweep], misplaced, len(run.folder), run.folder
