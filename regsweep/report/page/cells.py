"""The comparison as the page shows it: rounded cells that know their full value."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from regsweep.records.arm import is_sparsest
from regsweep.records.task import Score
from regsweep.report.tables.arm import PLATEAU
from regsweep.report.tables.comparison import winning_values
from regsweep.report.tables.judge import plain
from regsweep.report.tables.looks import BETTER, UNSTABLE, WORSE
from regsweep.report.tables.scores import score_of_row, scores_of
from regsweep.report.words.numbers import decimal, short_exponent
from regsweep.report.words.plateau import ends
from regsweep.report.words.view import OUTSIDE, short_overrides

NO_TRIAL = "no finished trial"
_TONES = {BETTER: "better", WORSE: "worse", UNSTABLE: "worse"}

Form = Callable[[float], str]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A cell's text, the value that it is sorted by, what it says in full, and its style."""

    text: str = ""
    order: str = ""
    full: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A title and a cell a row; ``kind`` is ``words``, ``number`` or ``code``.

    One that is ``more`` is shown when it is asked for.
    """

    title: str
    kind: str
    cells: tuple[Cell, ...]
    more: bool = False


def table_columns(
    comparison: pd.DataFrame, names: Mapping[str, str], corrections: Collection[str] = ()
) -> list[Column]:
    """The columns that hold a value; ``names`` are the arms' short names.

    ``corrections`` are what each sweep's intervals and p values are corrected for.
    """
    rows: list[Row] = [{str(k): v for k, v in row.items()} for row in comparison.to_dict("records")]

    def words(title: str, make: Callable[[Row], Cell]) -> Column:
        return Column(title, "words", tuple(map(make, rows)))

    def number(title: str, name: str, form: Form, interval: str = "") -> Column:
        return Column(title, "number", tuple(_number(row, name, form, interval) for row in rows))

    values = winning_values(comparison)
    scores = scores_of(comparison)
    judged = bool(comparison["verdict"].notna().any())
    by_loss = not (comparison["metric"] == "test_error").any()
    test_loss = number("test loss [95 % interval]", "test_loss_mean", decimal, "test_loss")
    test_scores = [
        number(f"{title} [95 % interval]", f"{score.of('test')}_mean", form, score.of("test"))
        for score, title, form in ((s, *_score("test", s)) for s in scores)
    ]
    tested = [test_loss, *test_scores] if by_loss else [*test_scores, test_loss]
    failures = Column("failed / diverged", "number", tuple(map(_failures, rows)))
    # The answer first, then what it was made of; on a narrow screen the rest is a scroll away.
    columns = [
        words("sweep", _sweep),
        words("arm", lambda row: _text(names[row["arm"]], row["arm"])),
        words("verdict", lambda row: _verdict(row, rows)),
        Column(_improvement_title(rows, corrections), "number", tuple(map(_improvement, rows))),
        number("p (Holm)", "p_holm", _probability),
        tested[0],
        Column("best overrides", "code", tuple(map(_overrides, rows, values))),
        words("weights as good", _plateau),
        number("seeds", "seeds", _count),
        *tested[1:],
        *(
            replace(column, more=judged)
            for column in (
                number("% of seeds better", "probability_better", _share),
                *(number(*column) for column in _zeros(comparison)),
                number("near-zero %", "near_zero_fraction_mean", _percent),
                number("validation loss", "val_loss", decimal),
                *(
                    number(title, score.of("val"), form)
                    for score, title, form in ((s, *_score("validation", s)) for s in scores)
                ),
                number("trials", "trials", _count),
            )
        ),
        replace(failures, more=judged and not any(cell.tone for cell in failures.cells)),
    ]
    return [column for column in columns if any(cell.text for cell in column.cells)]


def _zeros(comparison: pd.DataFrame) -> list[tuple[str, str, Form]]:
    """Of arms with weights of exactly 0: their share, and the units that are left out."""
    named: dict[str, tuple[str, Form]] = {
        "zero_fraction_mean": ("zero %", _percent),
        "zero_units_mean": ("units left out", _one_decimal),
    }
    return [
        (title, name, form)
        for name, (title, form) in named.items()
        if name in comparison and (comparison[name] > 0).any()
    ]


def _one_decimal(value: float) -> str:
    return f"{value:.1f}"


def _score(part: str, score: Score) -> tuple[str, Form]:
    """The title of a column of scores, and their form."""
    return (
        (f"{part} {score.words} %", _percent)
        if score.in_percent
        else (
            f"{part} {score.words}",
            score.shown,
        )
    )


def _text(text: Any, full: Any = "") -> Cell:
    return Cell() if pd.isna(text) else Cell(str(text), order=str(text), full=str(full))


def _sweep(row: Row) -> Cell:
    if "sweep" not in row:
        return Cell()
    return _text(OUTSIDE if pd.isna(row["sweep"]) else row["sweep"])


def _overrides(row: Row, values: Sequence[str]) -> Cell:
    """The searched values, rounded; in full they are what a user copies. A row without says why."""
    if pd.isna(row["best_overrides"]):
        return Cell(NO_TRIAL, tone="missing")
    whole = str(row["best_overrides"])
    return Cell(short_overrides(row["arm"], values) or "nothing searched", whole, whole)


def _plateau(row: Row) -> Cell:
    low, high = (row[name] for name in PLATEAU)
    if pd.isna(low):
        return Cell()
    return Cell(ends(low, high), repr(low), f"from {low!r} to {high!r}, by all trials of the arm")


def _failures(row: Row) -> Cell:
    failed, diverged = int(row["failed"]), int(row["diverged"])
    full = f"of {row['trials']} trials {failed} failed, {diverged} diverged"
    tone = "worse" if failed + diverged else ""
    return Cell(f"{failed} / {diverged}", str(failed + diverged), full, tone)


def _number(row: Row, name: str, form: Form, interval: str = "") -> Cell:
    """``mean [low, high]``; of ``interval`` the bounds are ``<interval>_ci_low`` and ``_high``."""
    value = row[name]
    if pd.isna(value):
        return Cell()
    bounds = [row[f"{interval}_ci_{end}"] for end in ("low", "high")] if interval else []
    if not bounds or any(map(pd.isna, bounds)):
        return Cell(form(value), repr(value), repr(value))
    low, high = bounds
    text = f"{form(value)} [{form(low)}, {form(high)}]"
    return Cell(text, repr(value), f"{value!r}, interval {low!r} to {high!r}")


def _improvement(row: Row) -> Cell:
    if is_sparsest(row["arm"]):  # against its winner, and not over the baseline
        return Cell()
    if row["metric"] != "test_error" or not score_of_row(row).in_percent:
        parts = [row[f"improvement_{part}"] for part in ("mean", "ci_low", "ci_high")]
        form = _signed(max((abs(part) for part in parts if pd.notna(part)), default=1.0))
        return _number(row, "improvement_mean", form, "improvement")
    cell = _number(row, "improvement_mean", _points, "improvement")
    return replace(cell, text=f"{cell.text} points") if cell.text else cell


def _improvement_title(rows: Iterable[Row], corrections: Collection[str]) -> str:
    judged = {_judged_on(row) for row in rows if pd.notna(row["metric"])}
    of = f" in {judged.pop()}" if len(judged) == 1 else ""
    return f"improvement{of} over the baseline [{_interval(corrections)}]"


def _judged_on(row: Row) -> str:
    if row["metric"] == "test_loss":
        return "test loss"
    score = score_of_row(row)
    return f"test {score.error if score.in_percent else score.words}"


def _interval(corrections: Collection[str]) -> str:
    if not any(corrections):
        return "95 % interval"
    several = len(set(corrections)) > 1
    return (
        f"interval, corrected for {'its tests and looks' if several else next(iter(corrections))}"
    )


def _verdict(row: Row, rows: Sequence[Row]) -> Cell:
    """An arm alone in its sweep is no baseline: there is nothing that it was compared with."""
    if pd.notna(row["verdict"]):
        text = str(row["verdict"])
        of = f"against {row['baseline']}" if is_sparsest(row["arm"]) else ""
        return Cell(text, text, of, _TONES.get(plain(text), ""))
    own = [one for one in rows if one.get("sweep") == row.get("sweep")]
    of_others = row["baseline"] == row["arm"] and len(own) > 1
    return _text("baseline") if of_others else Cell()


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _signed(largest: float) -> Form:
    """Four decimals, more where ``largest`` needs them for two digits; alike within a cell."""
    if not 1e-8 < largest < 1e4:
        return lambda value: short_exponent(f"{value:+.1e}") if value else "0"
    decimals = max(4, 1 - math.floor(math.log10(largest)))
    return lambda value: f"{value:+.{decimals}f}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _share(value: float) -> str:
    return f"{100 * value:.4g}"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _probability(value: float) -> str:
    """Three digits; what would round to 0 or 1 is said to be near it."""
    if 0 < value < 0.0005:
        return "<0.001"
    if 0.9995 < value < 1:
        return ">0.999"
    return f"{value:.3f}"
