"""The learning curve of a run, from its ``history.csv``."""

import csv
import math
from pathlib import Path

from regsweep.records.stored import Unreadable, read_text


def read_history(path: Path) -> list[dict[str, float | None]]:
    """The epochs of a run, a mapping each from the names of the columns; ``None`` is empty.

    Raises:
        Unreadable: it is no table of numbers, each row as long as the header, by whole epochs.
    """
    text = read_text(path)
    try:
        rows = list(csv.reader(text.splitlines(), strict=True))
        if not rows:
            raise ValueError("no header")
        return [_epoch(rows[0], row, line) for line, row in enumerate(rows[1:], start=2)]
    except (ValueError, csv.Error) as error:
        raise Unreadable(path, f"unreadable ({error})") from error


def _epoch(header: list[str], row: list[str], line: int) -> dict[str, float | None]:
    if len(row) != len(header):
        raise ValueError(f"line {line} has {len(row)} values, expected {len(header)}")
    numbers = {key: float(text) if text else None for key, text in zip(header, row, strict=True)}
    epoch = numbers.get("epoch")
    if epoch is None or not math.isfinite(epoch) or epoch != int(epoch):
        raise ValueError(f"line {line} has no epoch that is a whole number")
    return numbers
