"""The tables of a folder as data frames, for notebooks."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from regsweep.errors import InputError
from regsweep.report.build import build_report
from regsweep.report.tables.choice import Choice
from regsweep.report.tables.gather import Problem
from regsweep.report.tables.request import Request


@dataclass(frozen=True, eq=False)
class Tables:
    """What the records under ``directory`` come to.

    ``runs`` has a row a run and ``arms`` a row an arm, and one of each that was confirmed beside
    its winner (its sparsest trial, the winner without an ingredient), with the columns of
    ``runs.csv`` and ``comparison.csv``: counts are integers, measurements floats, searched keys
    what they are. Missing values are ``NaN`` or ``<NA>``; in a searched key ``None`` is Hydra's
    null. ``sweeps`` says what each sweep was asked for, by its name in ``runs``, and ``choices``
    which arms to take, one a baseline. ``unreadable`` are records and sweep files that are damaged,
    ``unfinished`` runs without a record; neither are in the tables.
    """

    directory: Path
    runs: pd.DataFrame
    arms: pd.DataFrame
    sweeps: Mapping[str, Request]
    choices: Mapping[str, tuple[Choice, ...]]
    unreadable: tuple[Problem, ...]
    unfinished: tuple[Problem, ...]

    @property
    def sweep(self) -> Request:
        """What the one sweep in the folder was asked for.

        Raises:
            InputError: the folder holds no sweep, or several.
        """
        if len(self.sweeps) != 1:
            held = ", ".join(self.sweeps) or "none"
            raise InputError(
                f"{self.directory}: sweep is of a folder of one sweep; it holds {held} (see sweeps)"
            )
        return next(iter(self.sweeps.values()))


def load_tables(directory: Path) -> Tables:
    """Gather the records under ``directory``, as the report command does; nothing is written.

    Warns of damaged files, which are left out.

    Raises:
        InputError: the directory does not exist or holds no run, or no record can be read.
    """
    report = build_report([directory])
    if report.unreadable:
        listed = "; ".join(f"{one.path}: {one.reason}" for one in report.unreadable)
        warnings.warn(f"left out, as it cannot be read: {listed}", stacklevel=3)
    return Tables(
        directory,
        _typed(report.runs),
        _typed(report.comparison),
        report.asked,
        report.choices,
        report.unreadable,
        report.unfinished,
    )


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its searched keys and compared groups of the type that their values have."""
    loose = [name for name in table if table[name].dtype == object]
    # A null among numbers would become a missing one.
    plain = [name for name in loose if not any(value is None for value in table[name])]
    return table.assign(**{str(name): table[name].infer_objects() for name in plain})
