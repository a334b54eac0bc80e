"""What the user sees at the end of a sweep or of the report command."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from regsweep.called import COMMAND
from regsweep.report.tables.comparison import of_winners, without_ablations
from regsweep.report.tables.gather import Problem
from regsweep.report.tables.judge import plain
from regsweep.report.tables.looks import BETTER
from regsweep.report.tables.report import Report
from regsweep.report.tables.request import Request
from regsweep.report.words.view import (
    OUTSIDE,
    comparison_view,
    failure_lines,
    lone_run_view,
)

WIDTH_WITHOUT_TERMINAL = 80
NAMED_PROBLEMS = 10
EXPLORATORY = (
    "This was one search over all arms. It does not give every arm the same number of trials,\n"
    "so it ranks no arms."
)


def show(report: Report, files: Sequence[Path], command: str | None = None) -> None:
    """Print the comparison, or a lone run's metrics; the verdict; what is missing; the files."""
    console = _console()
    runs = report.runs
    if len(runs) == 1 and not runs["sweep"].notna().iat[0]:
        _show_lone_run(console, runs.iloc[0])
    else:
        _show_comparison(console, report)
    for sentence in report.verdicts:
        _say(console, _wrapped(sentence, console.width))
    for sentence in report.remarks:
        _say(console, sentence)
    if report.verdicts and "sweep" not in report.comparison:
        _say(console, f"\n{again(report, command)}")
    if report.verdicts or report.remarks:
        _say(console, "")
    _say_problems(console, "unreadable", report.unreadable)
    _say_problems(console, "unfinished", report.unfinished)
    _say_problems(console, "left out, as a run counts once", report.copies)
    for path in files:
        _say(console, f"wrote {path}")


def again(report: Report, command: str | None = None) -> str:
    """How ``command``, or that of the sweep, trains an arm again, on the first confirm seed.

    Those are the arms to take, a line a baseline that has one. Where that is open, it is the better
    arm of the largest improvement; where none is better, the first baseline, and where no baseline
    was confirmed, the arm of the best mean.
    """
    runs, comparison = report.runs, report.winners
    choices = (choice for of_sweep in report.choices.values() for choice in of_sweep)
    taken = comparison[comparison["arm"].isin([choice.arm for choice in choices])]
    better = comparison[comparison["verdict"].map(plain, na_action="ignore") == BETTER]
    best = better.sort_values("improvement_mean", ascending=False, kind="stable")
    baselines = comparison[comparison["baseline"] == comparison["arm"]]
    first = next(one for one in (best, baselines, comparison) if len(one)).iloc[:1]
    seed = runs.loc[runs["stage"] == "confirm", "seed"].min()
    begun = (asked.command for asked in report.asked.values() if asked.command)
    by = command or next(begun, COMMAND)
    rows = any(asked.resample == "rows" for asked in report.asked.values())
    drawn = f" data.rows_seed={seed}" if rows else ""
    return "\n".join(
        f"to train {arm} again: {by} {overrides} seed={seed}{drawn}"
        for arm, overrides in (taken if len(taken) else first)[["arm", "best_overrides"]].to_numpy()
    )


def is_exploratory(runs: pd.DataFrame) -> bool:
    """Whether these runs of one sweep searched several arms and confirmed none of them."""
    searched = runs[runs["stage"] == "search"]
    return searched["arm"].nunique() > 1 and not (runs["stage"] == "confirm").any()


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def _say(console: Console, text: str) -> None:
    # Paths and messages may hold brackets, which are no markup here, and are pasted whole.
    console.print(text, markup=False, emoji=False, soft_wrap=True)


def _wrapped(text: str, width: int) -> str:
    """Its lines broken between words, each indented one deeper where it goes on."""
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=indent,
            subsequent_indent=f"{indent}  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _show_comparison(console: Console, report: Report) -> None:
    """A table a sweep: arms of different sweeps are not ranked against each other."""
    runs, comparison = report.runs, report.comparison
    if "sweep" not in comparison:
        name = str(runs["sweep"].fillna("").iat[0])
        _show_arms(console, runs, comparison, report.asked.get(name))
        return
    for sweep, its_arms in comparison.groupby(comparison["sweep"].fillna(""), sort=False):
        name = str(sweep)
        _say(console, name or OUTSIDE)
        its_runs = runs[runs["sweep"].fillna("") == name]
        _show_arms(console, its_runs, its_arms, report.asked.get(name))


def _show_arms(
    console: Console, runs: pd.DataFrame, arms: pd.DataFrame, asked: Request | None
) -> None:
    _print_table(console, comparison_view(without_ablations(arms), console.width))
    if failures := failure_lines(of_winners(arms)):
        _say(console, "\n".join([*failures, ""]))
    if is_exploratory(runs) and not (asked and asked.compares):
        _say(console, f"{EXPLORATORY}\n")


def _print_table(console: Console, table: Table) -> None:
    # A narrow terminal wraps the lines; cutting them would cut numbers.
    console.print("", table, "", crop=False)


def _show_lone_run(console: Console, run: pd.Series) -> None:
    parts = (
        run["run"],
        run["arm"],
        f"seed {run['seed']}",
        run["status"],
        f"{run['epochs']} epochs",
    )
    _say(console, ", ".join(str(part) for part in (*parts, f"{run['seconds']:.1f} s") if part))
    view = lone_run_view(run)
    if view.columns:
        _print_table(console, view)
    if pd.notna(run["error"]):
        _say(console, str(run["error"]))


def _say_problems(console: Console, kind: str, problems: Sequence[Problem]) -> None:
    if not problems:
        return
    _say(console, f"{len(problems)} {kind}:")
    for problem in problems[:NAMED_PROBLEMS]:
        _say(console, f"  {problem.path}: {problem.reason}")
    if len(problems) > NAMED_PROBLEMS:
        _say(console, f"  and {len(problems) - NAMED_PROBLEMS} more")
