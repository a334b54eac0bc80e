"""The comparison and a lone run as terminal tables."""

import math
import shlex
from collections.abc import Callable, Collection, Iterable

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from regsweep.record import METRICS


def _decimal(value: float) -> str:
    usual = value == 0 or 1e-3 <= abs(value) < 1e4
    return f"{value:.4f}" if usual else f"{value:.3e}"


def _signed(value: float) -> str:
    return f"{value:+.4f}" if abs(value) >= 1e-3 or value == 0 else f"{value:+.1e}"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _p(value: float) -> str:
    return "<0.001" if value < 1e-3 else f"{value:.3f}"


Column = tuple[str, str, Callable[[float], str]]

# Column, title of at most two lines, form.
_EXPLORED: tuple[Column, ...] = (
    ("val_loss", "val\nloss", _decimal),
    ("val_accuracy", "val\nacc %", _percent),
    ("test_accuracy_mean", "test\nacc %", _percent),
    ("near_zero_fraction_mean", "near-\nzero %", _percent),
)
# Of arms that were tested against a baseline.
_JUDGED: tuple[Column, ...] = (
    ("test_accuracy_mean", "test\nacc %", _percent),
    ("test_loss_mean", "test\nloss", _decimal),
    ("near_zero_fraction_mean", "near-\nzero %", _percent),
    ("improvement_mean", "improve-\nment", _signed),
    ("p_holm", "p\n(Holm)", _p),
)


def comparison_view(comparison: pd.DataFrame, fixed: Collection[str] = ()) -> Table:
    """One sweep's arms, a row each, in the table's order; columns without a value are left out.

    ``fixed`` are the overrides that all arms were given, which say nothing of one.
    """
    judged = bool(comparison["baseline"].notna().any())
    words = _word_columns(comparison, fixed)
    if judged:
        names = short_names(comparison["arm"])
        words["arm"] = [names[arm] for arm in words["arm"]]
    numbers = {} if judged else {"trials": _formatted(comparison["trials"], _count)}
    if (comparison[["failed", "diverged"]] > 0).any(axis=None):
        pairs = zip(comparison["failed"], comparison["diverged"], strict=True)
        numbers["failed/\ndiverged"] = [f"{failed}/{diverged}" for failed, diverged in pairs]
    for name, title, form in _JUDGED if judged else _EXPLORED:
        if comparison[name].notna().any():
            numbers[title] = _formatted(comparison[name], form)
    table = _empty_table()
    for title, texts in words.items():
        # Wrapped between words if need be, but no word and no number is ever cut.
        table.add_column(_at_bottom(title), min_width=_longest_word([title, *texts]))
    for title, texts in numbers.items():
        width = _longest_word([title, *texts])
        table.add_column(_at_bottom(title), justify="right", min_width=width)
    verdicts = {"verdict": list(comparison["verdict"].fillna(""))} if judged else {}
    for title, texts in verdicts.items():
        table.add_column(_at_bottom(title), min_width=max(map(len, texts)))
    for row in zip(*words.values(), *numbers.values(), *verdicts.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def lone_run_view(run: pd.Series) -> Table:
    """The metrics of one run in one row."""
    table = _empty_table()
    cells = []
    for name in METRICS:
        value = float(run[name])
        if not math.isnan(value):
            in_percent = name.endswith(("_accuracy", "_fraction"))
            title = _at_bottom(_metric_title(name))
            table.add_column(title, justify="right", no_wrap=True)
            cells.append(_percent(value) if in_percent else _decimal(value))
    table.add_row(*cells)
    return table


def _empty_table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def _at_bottom(title: str) -> str:
    """The title in the lower of the header's two lines, unless it fills both."""
    return title if "\n" in title else f"\n{title}"


def _longest_word(texts: Iterable[str]) -> int:
    return max((len(word) for text in texts for word in text.split()), default=0)


def _metric_title(name: str) -> str:
    """``near_zero_fraction`` as ``near-zero %``, broken into two lines."""
    name = name.replace("accuracy", "acc %").replace("fraction", "%").replace("near_", "near-")
    return name.replace("_", "\n")


def _word_columns(comparison: pd.DataFrame, fixed: Collection[str]) -> dict[str, list[str]]:
    columns = {"arm": list(comparison["arm"])}
    overrides = comparison["best_overrides"].fillna("")
    best = [
        short_overrides(arm, [w for w in shlex.split(text.removeprefix(arm)) if w not in fixed])
        for arm, text in zip(comparison["arm"], overrides, strict=True)
    ]
    if any(best):
        columns["best overrides\n(rounded)"] = best
    return columns


def short_names(arms: Iterable[str]) -> dict[str, str]:
    """``regularizer=l1 model=mlp`` as ``l1, mlp``; whole where two arms would be called the same.

    The names of the groups say nothing where every arm has the same ones.
    """
    arms = list(dict.fromkeys(arms))
    short = [", ".join(word.partition("=")[2] or word for word in arm.split()) for arm in arms]
    names = short if len(set(short)) == len(arms) else arms
    return {arm: name or "(no choice)" for arm, name in zip(arms, names, strict=True)}


def short_overrides(arm: str, overrides: Iterable[str]) -> str:
    """The searched values, a line each: ``weight=0.0012``, the group being named by the arm."""
    groups = {choice.partition("=")[0] for choice in arm.split()}
    return "\n".join(_without_group(_rounded(word), groups) for word in overrides)


def _without_group(word: str, groups: set[str]) -> str:
    group, _, key = word.partition(".")
    return key if group in groups else word


def _rounded(word: str) -> str:
    """The override with four digits of its number; the file has them all."""
    key, _, value = word.partition("=")
    try:
        short = f"{float(value):.4g}"
    except ValueError:
        return word
    return f"{key}={min(value, short, key=len)}"


def _formatted(values: Iterable[float], form: Callable[[float], str]) -> list[str]:
    return ["" if pd.isna(value) else form(float(value)) for value in values]
