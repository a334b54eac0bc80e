"""How rows without a published split are divided: numbers of rows, or shares of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from regsweep.data.source import kept
from regsweep.errors import bad_value

Size = int | float
"""A whole number of rows, or a share of them below 1."""


@dataclass(frozen=True)
class Sizes:
    """The parts of rows, and the seeds that say which row goes where.

    ``test`` rows are set aside of all where there is no test part, by ``seed``; of the others
    ``validation`` validate; of what is left ``train`` are trained on, or all. Both are drawn by
    ``rows_seed``, or by ``seed`` where it is ``None``.
    """

    train: int | None
    validation: Size
    test: Size
    seed: int
    rows_seed: int | None = None

    @property
    def drawn_by(self) -> int:
        """The seed that draws the rows that train and validate."""
        return self.seed if self.rows_seed is None else self.rows_seed


def count_of(size: Size, rows: int) -> int:
    """The rows that ``size`` stands for; a share above 0 is one row at least."""
    if isinstance(size, int):
        return size
    return max(1, round(size * rows)) if size else 0


def check_test_size(size: Size, rows: int, classes: int) -> int:
    """The number of test rows, which leave every class a row to train on.

    Raises:
        InputError: they do not.
    """
    count = count_of(size, rows)
    most = rows - classes
    if count > most:
        raise bad_value(
            "data.test_size",
            size,
            f"at most {most} rows: of {rows}, {kept(classes)}",
        )
    return count


def check_classes(counts: Sequence[int], names: Sequence[str], parts: int, where: str) -> None:
    """Refuse a class that has fewer rows than there are ``parts`` to be taken from them.

    Raises:
        InputError: the name of the smallest class.
    """
    count, name = min(zip(counts, names, strict=True))
    if count < parts:
        rows = f"{count} row{'' if count == 1 else 's'}"
        found, of_each = (rows, "") if len(names) == 1 else (f"{name} ({rows})", " of each class")
        raise bad_value(
            where, found, f"at least {parts} rows{of_each}: one for each part of the data"
        )
