"""The comparison and a lone run as terminal tables."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
from rich import box
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from regsweep.records.arm import is_sparsest
from regsweep.records.record import METRICS
from regsweep.records.task import Score, loss_of
from regsweep.report.tables.comparison import winning_values
from regsweep.report.tables.scores import score_of_row, scores_of
from regsweep.report.words.numbers import decimal, short_exponent


def _signed(value: float) -> str:
    usual = value == 0 or 1e-3 <= abs(value) < 1e2
    return f"{value:+.4f}" if usual else short_exponent(f"{value:+.1e}")


def _points(value: float) -> str:
    return f"{100 * value:+.2f}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _p(value: float) -> str:
    return "<0.001" if value < 1e-3 else f"{value:.3f}"


# What is said in place of the name of a sweep.
OUTSIDE = "runs outside any sweep"
# A name is broken into no shorter pieces.
_LEAST_NAME = 16

Column = tuple[str, str, Callable[[float], str]]

# Column, title of at most two lines, form.
_NEAR_ZERO: Column = ("near_zero_fraction_mean", "near-\nzero %", _percent)
_LOSS: Column = ("improvement_mean", "better\nby", _signed)
_ERROR: Column = ("improvement_mean", "points\nbetter", _points)
_P: Column = ("p_holm", "Holm\np", _p)
_OVERRIDES, _VERDICT = "best overrides\n(rounded)", "verdict"


def _score_column(score: Score, part: str, name: str) -> Column:
    if score.in_percent:
        return name, f"{part}\n{score.short} %", _percent
    return name, f"{part}\n{score.short}", score.shown


def _explored(scores: Iterable[Score]) -> tuple[Column, ...]:
    return (
        (loss_of("val"), "val\nloss", decimal),
        *(_score_column(score, "val", score.of("val")) for score in scores),
        *(_score_column(score, "test", f"{score.of('test')}_mean") for score in scores),
        _NEAR_ZERO,
    )


def _judged(scores: Iterable[Score], in_points: bool) -> tuple[Column, ...]:
    """Of arms that were tested against a baseline."""
    return (
        *(_score_column(score, "test", f"{score.of('test')}_mean") for score in scores),
        ("test_loss_mean", "test\nloss", decimal),
        _NEAR_ZERO,
        _ERROR if in_points else _LOSS,
        _P,
    )


def comparison_view(comparison: pd.DataFrame, room: int = 80) -> Table:
    """One sweep's arms, a row each, in the table's order; columns without a value are left out.

    Where lines are longer than ``room`` words are wrapped, then columns go: the near-zero share,
    and of judged arms the score or the loss that they are not judged on. A name that is still too
    long is broken; no number is ever cut.
    """
    judged = bool(comparison["baseline"].notna().any())
    names = short_names(comparison["arm"])
    words = {"arm": [names[arm] for arm in comparison["arm"]]}
    values = winning_values(comparison)
    if any(values):
        short = [short_overrides(*one) for one in zip(comparison["arm"], values, strict=True)]
        words[_OVERRIDES] = short
    numbers = {} if judged else {"trials": _formatted(comparison["trials"], _count)}
    scores = scores_of(comparison)
    in_points = scores[0].in_percent and bool((comparison["metric"] == "test_error").any())
    for name, title, form in _judged(scores, in_points) if judged else _explored(scores):
        if comparison[name].notna().any():
            numbers[title] = _formatted(comparison[name], form)
    for title in (_LOSS[1], _ERROR[1]):  # of a sparsest trial it is against another than the others
        if title in numbers:
            of = zip(comparison["arm"], numbers[title], strict=True)
            numbers[title] = ["" if is_sparsest(arm) else text for arm, text in of]
    verdicts = {_VERDICT: list(comparison["verdict"].fillna(""))} if judged else {}
    columns = words | numbers | verdicts
    by_error = bool((comparison["metric"] == "test_error").any())
    beside = [t for name, t, _ in _judged(scores, in_points) if name == "test_loss_mean"]
    if not by_error:
        beside = [t for name, t, _ in _judged(scores, in_points)[: len(scores)]]
    for title in (_NEAR_ZERO[1], *(beside if judged else ())):
        if _least(columns) > room or (title == _NEAR_ZERO[1] and _most(columns) > room):
            columns.pop(title, None)
            numbers.pop(title, None)
    widths = _fitted(columns, room - len(columns) + 1)
    table = _empty_table()
    table.width = sum(widths.values()) + len(columns) - 1
    for title, width in widths.items():
        justify: JustifyMethod = "right" if title in numbers else "left"
        table.add_column(_at_bottom(title), justify=justify, width=width, overflow="fold")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def _most(columns: Mapping[str, Sequence[str]]) -> int:
    """How long a line is where nothing is wrapped."""
    return sum(_widths(columns).values()) + len(columns) - 1


def _least(columns: Mapping[str, Sequence[str]]) -> int:
    """How long a line is where words are wrapped as far as they can be."""
    return sum(_fitted(columns, 0).values()) + len(columns) - 1


def _fitted(columns: Mapping[str, Sequence[str]], room: int) -> dict[str, int]:
    """How wide each column is; what is too much for ``room`` is wrapped between words.

    What is still too much is taken from names, which are broken then.
    """
    widths = _widths(columns)
    wrapped = [title for title in (_OVERRIDES, _VERDICT, "arm") if title in columns]
    for title in wrapped:
        excess = max(sum(widths.values()) - room, 0)
        widths[title] = max(widths[title] - excess, _longest_word([title, *columns[title]]))
    if room > 0 and (excess := sum(widths.values()) - room) > 0:
        for title in ("arm", _OVERRIDES):
            if title in columns and excess > 0:
                least = max(_LEAST_NAME, _longest_word([title]))
                taken = min(excess, max(widths[title] - least, 0))
                widths[title] -= taken
                excess -= taken
    return widths


def _widths(columns: Mapping[str, Iterable[str]]) -> dict[str, int]:
    return {
        title: max(len(line) for text in (title, *texts) for line in text.splitlines())
        for title, texts in columns.items()
    }


def failure_lines(comparison: pd.DataFrame) -> list[str]:
    """``l1: 2 of 20 trials failed, 1 diverged``, of the arms that had such trials."""
    names = short_names(comparison["arm"])
    lines = []
    for arm, trials, failed, diverged in comparison[
        ["arm", "trials", "failed", "diverged"]
    ].itertuples(index=False, name=None):
        counts = [(failed, "failed"), (diverged, "diverged")]
        told = [f"{count} {word}" for count, word in counts if count]
        if told:
            lines.append(f"{names[arm]}: of {trials} trials {', '.join(told)}")
    return lines


def lone_run_view(run: pd.Series) -> Table:
    """The metrics of one run in one row."""
    table = _empty_table()
    cells = []
    score = score_of_row(run)
    for name in METRICS:
        value = float(run.get(name, math.nan))
        if not math.isnan(value):
            title = _at_bottom(_metric_title(name, score))
            table.add_column(title, justify="right", no_wrap=True)
            cells.append(_percent(value) if title.endswith("%") else decimal(value))
    table.add_row(*cells)
    return table


def _empty_table() -> Table:
    # One space between columns: five arms and their tests fit into 80.
    return Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)


def _at_bottom(title: str) -> str:
    """The title in the lower of the header's two lines, unless it fills both."""
    return title if "\n" in title else f"\n{title}"


def _longest_word(texts: Iterable[str]) -> int:
    return max((len(word) for text in texts for word in text.split()), default=0)


def _metric_title(name: str, score: Score) -> str:
    """``near_zero_fraction`` as ``near-zero %``, broken into two lines."""
    shown = f"{score.short} %" if score.in_percent else score.short
    name = name.replace(score.name, shown)
    name = name.replace("near_zero_fraction", "near-_zero %").replace("zero_fraction", "zero_%")
    return name.replace("_", "\n")


def short_names(arms: Iterable[str]) -> dict[str, str]:
    """``regularizer=l1 model=mlp`` as ``l1, mlp``; whole where two arms would be called the same.

    The names of the groups say nothing where every arm has the same ones.
    """
    arms = list(dict.fromkeys(arms))
    short = [", ".join(word.partition("=")[2] or word for word in arm.split()) for arm in arms]
    names = short if len(set(short)) == len(arms) else arms
    return {arm: name or "(no choice)" for arm, name in zip(arms, names, strict=True)}


def listed(names: Sequence[str]) -> str:
    """``elastic, l2 and l1``; names that hold commas themselves are told apart by semicolons."""
    if len(names) == 1 or any("," in name for name in names):
        return joined(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def joined(names: Sequence[str]) -> str:
    """``elastic, l2, l1``, or with semicolons as ``listed``."""
    return ("; " if any("," in name for name in names) else ", ").join(names)


def short_overrides(arm: str, overrides: Iterable[str]) -> str:
    """The searched values, a line each: ``weight=0.0012``, the group being named by the arm.

    What is null, and so left out, has a line only where everything is.
    """
    groups = {choice.partition("=")[0] for choice in arm.split()}
    words = list(overrides)
    shown = [word for word in words if not word.endswith("=null")] or words
    return "\n".join(_without_group(_rounded(word), groups) for word in shown)


def _without_group(word: str, groups: set[str]) -> str:
    group, _, key = word.partition(".")
    return key if group in groups else word


def _rounded(word: str) -> str:
    """The override with three digits of its number; the file has them all."""
    key, _, value = word.partition("=")
    try:
        short = f"{float(value):.3g}"
    except ValueError:
        return word
    return f"{key}={short_exponent(min(value, short, key=len))}"


def _formatted(values: Iterable[float], form: Callable[[float], str]) -> list[str]:
    return ["" if pd.isna(value) else form(float(value)) for value in values]
