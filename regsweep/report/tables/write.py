"""The tables as CSV files that read back the same and that a spreadsheet does not execute."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from regsweep.errors import InputError, machine_fault
from regsweep.records.atomic import write_text
from regsweep.report.tables.columns import columns_table
from regsweep.report.tables.override import spelled

RUNS_FILE = "runs.csv"
COMPARISON_FILE = "comparison.csv"
REPORT_FILE = "report.html"
COLUMNS_FILE = "columns.csv"
# What begins a formula, which could run a command. A spreadsheet takes fullwidth and small forms
# for the plain ones.
_FORMULA_SIGNS = "=+-@\u2212"


def write_files(runs: pd.DataFrame, comparison: pd.DataFrame, page: str, out: Path) -> list[Path]:
    """Write both tables, the ``page`` and what the columns mean into the folder ``out``.

    Each file is there whole or not at all.

    Returns the files' paths.

    Raises:
        InputError: the folder cannot be written.
    """
    texts = {
        RUNS_FILE: csv_text(runs),
        COMPARISON_FILE: csv_text(comparison),
        REPORT_FILE: page,
        COLUMNS_FILE: csv_text(columns_table(runs, comparison)),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [write_text(out / name, text) for name, text in texts.items()]
    except OSError as error:
        fault = machine_fault(error) or error
        raise InputError(f"the report cannot be written: {fault}") from error


def csv_text(table: pd.DataFrame) -> str:
    """The table as CSV: numbers in their shortest exact form, missing values empty."""
    header = ",".join(_quoted(_defused(str(name))) for name in table.columns)
    # By hand, because neither pandas nor csv (3.11) quotes a lone carriage return.
    cells = [_cells(table[name]) for name in table.columns]
    rows: Iterable[str] = (",".join(row) for row in zip(*cells, strict=True))
    return "\n".join([header, *rows, ""])


def _cells(column: pd.Series) -> list[str]:
    if column.dtype == float:
        return ["" if value != value else repr(value) for value in column.tolist()]
    return [_cell(value) for value in column.tolist()]


def _cell(value: object) -> str:
    if value is pd.NA or value != value:
        return ""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return repr(value)
    return _quoted(_defused(value if isinstance(value, str) else spelled(value)))


def _defused(text: str) -> str:
    """``text``, behind a quote where a spreadsheet could take it for a formula.

    Spaces and characters that are not seen hide the sign from a reader, not from a spreadsheet;
    a control character is never meant.
    """
    if text[:1].isalnum():
        return text
    seen = text.lstrip(_unseen(text))
    hidden = text[: len(text) - len(seen)]
    begins = unicodedata.normalize("NFKC", seen[:1])[:1]
    control = any(unicodedata.category(character) == "Cc" for character in hidden)
    return f"'{text}" if control or (begins and begins in _FORMULA_SIGNS) else text


def _unseen(text: str) -> str:
    """The spaces and the characters without a shape in ``text``."""
    return "".join({c for c in text if unicodedata.category(c)[0] in "CZ"})


def _quoted(text: str) -> str:
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
