"""What the user sees while a sweep runs: the plan, then how far it is."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from optuna.trial import TrialState
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from regsweep.compare.ledger import Ledger
from regsweep.compare.plan import Place, Plan, Slot
from regsweep.compare.studies import override_lines
from regsweep.record import FILE_NAME
from regsweep.report.view import short_names, short_overrides

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
# Without a terminal, so often at most.
LINE_SECONDS = 15
WIDTH_WITHOUT_TERMINAL = 100


@dataclass
class Line:
    """An arm as the view shows it."""

    ended: int = 0
    best: float | None = None
    overrides: str = ""
    confirmed: int = 0


class Pace:
    """How fast runs end: from the second round on, since the first one loads and compiles."""

    def __init__(self, now: float) -> None:
        self.started = self.since = self.last = (now, 0)

    def note(self, done: int, now: float) -> None:
        """``done`` runs have ended by ``now``, in seconds."""
        if done > self.last[1]:
            self.last = (now, done)

    def round_over(self) -> None:
        """The first round is over: what it took to start is not counted again."""
        if self.since[1] == 0:
            self.since = self.last

    @property
    def runs_a_second(self) -> float | None:
        """``None`` before a run has ended."""
        reference = self.since if self.last[1] > self.since[1] else self.started
        (began, few), (ended, many) = reference, self.last
        return (many - few) / (ended - began) if many > few and ended > began else None


class View:
    """Shows how a sweep goes: a live table in a terminal, lines of log anywhere else.

    It looks for the records of the runs that were launched, and so works with every launcher.
    """

    def __init__(self, plan: Plan, directory: Path, console: Console) -> None:
        self.plan, self.directory, self.console = plan, directory, console
        self.lines = [Line() for _ in plan.arms]
        self.names = short_names(arm.name for arm in plan.arms)
        self.stage = "search"
        self.waiting: dict[Path, Place] = {}
        self.ended = self.left = 0
        self.pace: Pace | None = None
        self.failed = self.diverged = 0
        self.news = False
        self.said = (0.0, 0)  # when the last line was logged, and how many runs had ended
        self.live: Live | None = None
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "View":
        if self.console.is_terminal:
            self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=2)
            self.live.start()
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.set()
        self.thread.join()
        self._look()
        if self.live:
            self.live.stop()

    def launched(self, places: Sequence[Place], left: int) -> None:
        """The runs at ``places`` are trained now; ``left`` runs are left of the whole sweep."""
        with self.lock:
            self.stage = places[0].stage
            if self.stage == "confirm":
                for arm, line in enumerate(self.lines):
                    missing = sum(place.slot.arm == arm for place in places)
                    line.confirmed = self.plan.budget.confirm_seeds - missing
            self.pace = self.pace or Pace(time.monotonic())
            folders = {self.directory / self.plan.folder(place): place for place in places}
            self.waiting = {folder / FILE_NAME: place for folder, place in folders.items()}
            self.left, self.news = left, True

    def told(self, ledger: Ledger) -> None:
        """A round is over: what the arms' best trials are now."""
        self._look()
        with self.lock:
            if self.pace:
                self.pace.round_over()
            states = ledger.states()
            self.failed, self.diverged = (
                states.count(TrialState.FAIL),
                states.count(TrialState.PRUNED),
            )
            for arm, line in enumerate(self.lines):
                line.ended = sum(
                    ledger.is_over(Slot(arm, number)) for number in range(self.plan.trials[arm])
                )
                if best := ledger.best(arm):
                    slot, line.best = best
                    recorded = ledger.recorded(slot)
                    assert recorded is not None
                    line.overrides = short_overrides(
                        self.plan.arms[arm].name, override_lines(recorded.params)
                    )
        if self.news and not self.live:
            self._log_round()
        self.news = False

    def _look_on(self) -> None:
        while not self.stop.wait(LOOK_SECONDS):
            self._look()
            when, ended = self.said
            if not self.live and self.ended > ended and time.monotonic() - when > LINE_SECONDS:
                self._say("%s %d/%d runs   %s", self.stage, *self._runs(), self._pace_text())

    def _say(self, line: str, *values: object) -> None:
        self.said = time.monotonic(), self.ended
        log.info(line, *values)

    def _runs(self) -> tuple[int, int]:
        """The runs of the stage that have ended, and all of them."""
        if self.stage == "search":
            return self.plan.search_runs + self.plan.confirm_runs - self.left, self.plan.search_runs
        return self.plan.confirm_runs - self.left, self.plan.confirm_runs

    def _look(self) -> None:
        with self.lock:
            done = [path for path in self.waiting if path.exists()]
            for path in done:
                place = self.waiting.pop(path)
                if place.stage == "confirm":
                    self.lines[place.slot.arm].confirmed += 1
            self.ended += len(done)
            self.left -= len(done)
            if self.pace:
                self.pace.note(self.ended, time.monotonic())

    def _log_round(self) -> None:
        ranked = sorted(
            (line.best, arm) for arm, line in enumerate(self.lines) if line.best is not None
        )
        best = "none has completed yet"
        if ranked:
            value, arm = ranked[0]
            words = " ".join(
                [self.names[self.plan.arms[arm].name], *self.lines[arm].overrides.split()]
            )
            best = f"best {self.plan.objective} {value:.4f}: {words}"
        self._say(
            "search %d/%d trials%s   %s   %s",
            sum(line.ended for line in self.lines),
            sum(self.plan.trials),
            self._trouble(),
            best,
            self._pace_text(),
        )

    def _trouble(self) -> str:
        counts = {"failed": self.failed, "diverged": self.diverged}
        return "".join(f", {count} {word}" for word, count in counts.items() if count)

    def _pace_text(self) -> str:
        pace = self.pace.runs_a_second if self.pace else None
        if not pace:
            return ""
        return f"{60 * pace:.0f} runs/min, about {_duration(self.left / pace)} left"

    def _table(self) -> Group:
        """The view as it is now."""
        with self.lock:
            table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
            table.add_column("arm")
            table.add_column("trials", justify="right")
            table.add_column(f"best {self.plan.objective}", justify="right")
            table.add_column("at", overflow="fold")
            if self.stage == "confirm":
                table.add_column("confirmed", justify="right")
            for arm, line in enumerate(self.lines):
                cells = [
                    self.names[self.plan.arms[arm].name],
                    f"{line.ended}/{self.plan.trials[arm]}",
                    "" if line.best is None else f"{line.best:.4f}",
                    line.overrides,
                ]
                if self.stage == "confirm":
                    seeds = self.plan.budget.confirm_seeds if line.best is not None else 0
                    cells.append(f"{line.confirmed}/{seeds}" if seeds else "")
                table.add_row(*map(Text, cells))
            state = Text(f"{self.stage}{self._trouble()}   {self._pace_text()}", style="bold")
            return Group(Text(), state, table, Text())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def show_plan(plan: Plan, runs_of: str, settled: str, directory: Path, console: Console) -> None:
    """What is about to be done: arms and their search spaces, trials, runs, device, folder."""
    budget = plan.budget
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("arm")
    table.add_column("trials", justify="right")
    table.add_column("searched", overflow="fold")
    names = short_names(arm.name for arm in plan.arms)
    for arm, trials in zip(plan.arms, plan.trials, strict=True):
        space = "\n".join(f"{key}={sweep}" for key, sweep in arm.space.items())
        table.add_row(Text(names[arm.name]), str(trials), Text(space or "nothing"))
    console.print("", table, "")
    rounds = len(plan.rounds())
    lines = [
        f"search: {sum(plan.trials)} trials on {_seeds(plan.search_seeds)}, "
        f"{budget.n_jobs} a round, {rounds} round{'s' * (rounds != 1)}, by {plan.objective}",
        f"confirm: each arm's winner on {_seeds(plan.confirm_seeds)}, {_against(plan, names)}"
        if budget.confirm_seeds
        else "confirm: none (hydra.sweeper.confirm_seeds=0), so no arm is tested",
        f"{plan.search_runs + plan.confirm_runs} runs {runs_of}, on {settled}",
        f"in {directory}",
    ]
    for arm in plan.arms:
        lines += [
            f"{override} does not hold for {names[arm.name]}, which has no such key"
            for override in arm.without
        ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print()


def _against(plan: Plan, names: Mapping[str, str]) -> str:
    """``against none``, or what several baselines are to their arms, and their names."""
    baselines = [names[name] for name in dict.fromkeys(plan.baselines)]
    if len(baselines) == 1:
        return f"against {baselines[0]}"
    return f"against the arm of the same other choices: {'; '.join(baselines)}"


def _seeds(seeds: range) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    return f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]})"


def new_console() -> Console:
    """Where the view goes; without a terminal, lines of a fixed width."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console
