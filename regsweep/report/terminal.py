"""What the user sees at the end of a sweep or of the report command."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from regsweep.report.gather import Gathered, Problem
from regsweep.report.view import comparison_view, lone_run_view

WIDTH_WITHOUT_TERMINAL = 100
NAMED_PROBLEMS = 10
EXPLORATORY = (
    "This was one search over all arms. It does not give every arm the same number of trials,\n"
    "so it ranks no arms."
)


def show(
    runs: pd.DataFrame, comparison: pd.DataFrame, gathered: Gathered, files: Sequence[Path]
) -> None:
    """Print the comparison, or a lone run's metrics; then what is missing, then the files."""
    console = _console()
    if len(runs) == 1 and not runs["sweep"].notna().iat[0]:
        _show_lone_run(console, runs.iloc[0])
    else:
        _show_comparison(console, runs, comparison)
    _say_problems(console, "unreadable", gathered.unreadable)
    _say_problems(console, "unfinished", gathered.unfinished)
    for path in files:
        _say(console, f"wrote {path}")


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


def _show_comparison(console: Console, runs: pd.DataFrame, comparison: pd.DataFrame) -> None:
    """A table a sweep: arms of different sweeps are not ranked against each other."""
    if "sweep" not in comparison:
        _show_arms(console, runs, comparison)
        return
    for sweep, its_arms in comparison.groupby(comparison["sweep"].fillna(""), sort=False):
        _say(console, str(sweep) or "runs outside any sweep")
        _show_arms(console, runs[runs["sweep"].fillna("") == sweep], its_arms)


def _show_arms(console: Console, runs: pd.DataFrame, arms: pd.DataFrame) -> None:
    _print_table(console, comparison_view(arms))
    if is_exploratory(runs):
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
