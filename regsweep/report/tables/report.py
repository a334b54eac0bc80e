"""All that a report says, gathered: what its tables, its page and the terminal are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.choice import Choice
from regsweep.report.tables.comparison import of_winners
from regsweep.report.tables.gather import Problem
from regsweep.report.tables.judge import Name
from regsweep.report.tables.request import Request
from regsweep.report.tables.rows import OverRows


@dataclass(frozen=True)
class Report:
    """The tables of one or several sweeps, and what a reader needs beside them.

    ``runs`` and ``comparison`` are the tables of ``runs.csv`` and ``comparison.csv``; ``results``
    are the arms, with their winners among the rows of ``runs``; ``curves`` holds the learning
    curves of the winners' confirm runs: ``sweep, arm, seed``, then the columns of
    ``history.csv``. ``asked`` says what each sweep was asked for, by its name in ``runs``
    (an empty name: runs outside any sweep, which have no entry), and ``choices`` which arms to
    take, one a baseline. ``pairs`` has of each arm that was compared, by sweep and arm, the
    improvement by seed. ``verdicts`` are sentences, the answer; ``remarks`` are sentences too:
    warnings, superseded runs, why something is not tested, which ``untested`` has by sweep.
    ``over_rows`` has an entry for each judged arm whose runs kept the losses of their test rows.
    """

    runs: pd.DataFrame
    comparison: pd.DataFrame
    results: tuple[ArmResult, ...]
    curves: pd.DataFrame
    asked: Mapping[str, Request]
    verdicts: tuple[str, ...]
    remarks: tuple[str, ...]
    unreadable: tuple[Problem, ...]
    unfinished: tuple[Problem, ...]
    copies: tuple[Problem, ...] = ()
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    over_rows: tuple[OverRows, ...] = ()
    pairs: Mapping[Name, Mapping[int, float]] = field(default_factory=dict)
    untested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def winners(self) -> pd.DataFrame:
        """``comparison`` without what was confirmed beside winners: a row an arm."""
        return of_winners(self.comparison)
