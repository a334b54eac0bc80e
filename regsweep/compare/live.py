"""What the user sees while a sweep runs: the plan, then how far it is."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType

from optuna.trial import TrialState
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from regsweep.compare.ledger import Ledger
from regsweep.compare.pace import Pace, clock, rough
from regsweep.compare.plan import Place, Plan, Slot, gives_zeros
from regsweep.compare.space import override_lines
from regsweep.records.record import FILE_NAME
from regsweep.records.task import ACCURACY, scores_in
from regsweep.report.tables.looks import UNDECIDED, Arm
from regsweep.report.words.trials import trials_in_words
from regsweep.report.words.undertrained import few_steps
from regsweep.report.words.view import joined, listed, short_names, short_overrides

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
# Without a terminal, so often at most.
LINE_SECONDS = 15
WIDTH_WITHOUT_TERMINAL = 100
WIDEST_BAR = 40
ROOM_BESIDE_BAR = 58


@dataclass
class Line:
    """An arm as the view shows it."""

    ended: int = 0
    best: float | None = None
    overrides: str = ""
    confirmed: int = 0
    seeds: int = 0  # to be confirmed on, up to the look that is next
    verdict: str = ""


class View:
    """Shows how a sweep goes: a live table in a terminal, lines of log anywhere else.

    It looks for the records of the runs that were launched, and so works with every launcher;
    ``at_once`` of them train at a time.
    """

    def __init__(self, plan: Plan, directory: Path, console: Console, at_once: int) -> None:
        self.plan, self.directory, self.console = plan, directory, console
        self.lines = [Line() for _ in plan.arms]
        self.stage, self.doing = "start", "reading records, asking for trials"
        self.names = short_names(arm.name for arm in plan.arms)
        self.waiting: dict[Path, Place] = {}
        self.all = self.left = plan.search_runs + plan.confirm_runs
        self.ended = 0
        self.began, self.pace = time.monotonic(), Pace(at_once)
        self.failed = self.diverged = 0
        self.news = False
        self.said = (0.0, 0)  # when the last line was logged, and how many runs had ended
        self.score = ACCURACY
        self.live: Live | None = None
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "View":
        if self.console.is_terminal:
            self.live = Live(get_renderable=self._table, console=self.console, refresh_per_second=2)
            self.live.start(refresh=True)
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
        if error:
            self.doing = "stopped"
        if self.live:
            self.live.stop()

    def launched(self, places: Sequence[Place], left: int) -> None:
        """The runs at ``places`` are trained now; ``left`` runs are left of the whole sweep."""
        with self.lock:
            stage, now = places[0].stage, time.monotonic()
            new = stage != self.stage
            done = self.all - self.left
            self.stage, self.left, self.news = stage, left, True
            if new:
                self.pace.stage_begins(now, left)
            if stage == "confirm":
                self.all = done + left
                for arm, line in enumerate(self.lines):
                    own = [p.seed for p in places if p.slot.arm == arm and p.role == "winner"]
                    if own:
                        line.seeds = 1 + max(own) - self.plan.confirm_from
                        line.confirmed = line.seeds - len(own)
            folders = {self.directory / self.plan.folder(place): place for place in places}
            self.waiting = {folder / FILE_NAME: place for folder, place in folders.items()}
            again = " of finalists" if places[0].seed in self.plan.finalist_seeds else ""
            self.doing = f"training {len(places)} run{'s' * (len(places) != 1)}{again}"
        if new and not self.live:
            self._say(f"{self._state()}   {self._progress()}")

    def told(self, ledger: Ledger) -> None:
        """A round is over: what the arms' best trials are now."""
        self._look(round_over=True)
        with self.lock:
            self.left = self.all - len(ledger.records)
            metrics = (record.metrics for record in ledger.records.values() if record.metrics)
            [self.score, *_] = scores_in(next(metrics, ()))
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

    def judged(self, arms: Mapping[str, Arm]) -> None:
        """A look is over: what the arms are decided as, and which are not."""
        self._look(round_over=True)
        with self.lock:
            for arm, line in zip(self.plan.arms, self.lines, strict=True):
                if arm.name in arms:
                    line.verdict = arms[arm.name].verdict
        seeds = max((one.seeds for one in arms.values()), default=0)
        said: dict[str, list[str]] = {}
        for name, one in arms.items():
            if one.verdict:
                said.setdefault(one.verdict, []).append(self.names[name])
        if said and not self.live:
            words = "; ".join(f"{verdict}: {joined(names)}" for verdict, names in said.items())
            self._say(f"look at {seeds} seeds: {words}   {self._progress()}")

    def over(self, ledger: Ledger) -> None:
        """All is done; an arm without a winner had none to confirm."""
        self._look()
        with self.lock:
            self.stage, self.doing = "confirm" if self.plan.confirm_runs else "search", "done"
            self.all, self.left = len(ledger.records), 0
        if not self.live:
            self._say(f"{self._state()}   {self._progress()}")

    def _look_on(self) -> None:
        while not self.stop.wait(LOOK_SECONDS):
            self._look()
            when, ended = self.said
            if not self.live and self.ended > ended and time.monotonic() - when > LINE_SECONDS:
                self._say(f"{self._state()}   {self._progress()}")

    def _say(self, line: str) -> None:
        self.said = time.monotonic(), self.ended
        log.info("%s", line)

    def _look(self, *, round_over: bool = False) -> None:
        with self.lock:
            done = [path for path in self.waiting if path.exists()]
            for path in done:
                place = self.waiting.pop(path)
                if place.stage == "confirm" and place.role == "winner":
                    self.lines[place.slot.arm].confirmed += 1
            self.ended += len(done)
            self.left -= len(done)
            self.pace.note(time.monotonic(), self.left, round_over=round_over)

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
            best = f"best {self.plan.objective} {self._shown(value)}: {words}"
        trials = f"{sum(line.ended for line in self.lines)}/{sum(self.plan.trials)} trials"
        self._say(f"search{self._trouble()}: {trials}   {best}   {self._progress()}")

    def _shown(self, value: float) -> str:
        """An objective; an error as its score, as in the table at the end."""
        return self.score.shown(value) if self.plan.objective == "val_error" else f"{value:.4f}"

    def _state(self) -> str:
        loading = "loading and " if self.waiting and not self.ended else ""
        return f"{self.stage}{self._trouble()}: {loading}{self.doing}"

    def _trouble(self) -> str:
        counts = {"failed": self.failed, "diverged": self.diverged}
        return "".join(f", {count} {word}" for word, count in counts.items() if count)

    def _progress(self) -> str:
        now = time.monotonic()
        runs = f"{self.all - self.left}/{self.all} runs in {clock(now - self.began)}"
        left = self.pace.seconds_left(now)
        if left is None or not self.left:
            return runs
        confirm = self.stage == "search" and self.plan.confirm_runs
        return f"{runs}, {rough(left)} left{', confirm included' if confirm else ''}"

    def _bar(self) -> Table:
        bar = Table.grid(padding=(0, 2, 0, 0))
        done, progress = self.all - self.left, Text(self._progress())
        width = min(self.console.width - ROOM_BESIDE_BAR, WIDEST_BAR)
        if width > 0:
            bar.add_row(ProgressBar(self.all, done, width=width), progress)
        else:
            bar.add_row(progress)
        return bar

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
                table.add_column("verdict")
            for arm, line in enumerate(self.lines):
                cells = [
                    self.names[self.plan.arms[arm].name],
                    f"{line.ended}/{self.plan.trials[arm]}",
                    "" if line.best is None else self._shown(line.best),
                    line.overrides,
                ]
                if self.stage == "confirm":
                    cells.append(f"{line.confirmed}/{line.seeds}" if line.seeds else "")
                    cells.append(line.verdict)
                table.add_row(*map(Text, cells))
            state = Text(self._state(), style="bold")
            looks = [Text(self._looks())] if self.stage == "confirm" and self.plan.looks else []
            return Group(Text(), state, self._bar(), *looks, Text(), table, Text())

    def _looks(self) -> str:
        """``look 2 of 3, at 20 seeds: 1 of 4 arms decided``; an arm counts but as a baseline."""
        looks = self.plan.looks
        seeds = max(line.seeds for line in self.lines)
        number = next((i for i, look in enumerate(looks, 1) if look >= seeds), len(looks))
        baselines = set(self.plan.baselines)
        lines = zip(self.plan.arms, self.lines, strict=True)
        verdicts = [line.verdict for arm, line in lines if arm.name not in baselines]
        decided = sum(verdict not in ("", UNDECIDED) for verdict in verdicts)
        return (
            f"look {number} of {len(looks)}, at {looks[number - 1]} seeds: "
            f"{decided} of {len(verdicts)} arms decided"
        )


def show_plan(
    plan: Plan,
    at_random: Sequence[Mapping[str, str]],
    runs_of: str,
    settled: str,
    steps: int | None,
    directory: Path,
    console: Console,
) -> None:
    """What is about to be done: arms and their search spaces, trials, runs, device, folder.

    ``at_random`` are the keys of each arm that its sampler leaves to chance, with the reason;
    ``steps`` are those of the shortest run.
    """
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
        f"{budget.n_jobs} a round, {rounds} round{'s' * (rounds != 1)}, by {plan.objective}"
        f"{_finalists(plan)}",
        f"confirm: each arm's winner on {_seeds(plan.confirm_seeds)}{_rows(plan)}, "
        f"{_against(plan, names)}"
        f"{_looks(plan)}"
        f"{_sparsest(plan, names)}"
        f"{_ablated(plan, names)}"
        if budget.confirm_seeds
        else "confirm: none (hydra.sweeper.confirm_seeds=0), so no arm is tested",
        f"{_runs(plan)} runs {runs_of}, on {settled}",
        f"in {directory}",
        *few_steps(steps),
    ]
    if budget.n_trials is None:
        searched = zip(plan.arms, plan.trials, strict=True)
        differing = trials_in_words({names[arm.name]: n for arm, n in searched if arm.space})
        lines.insert(0, f"budgets differ: {differing}")
    for arm in plan.arms:
        lines += [
            f"{override} does not hold for {names[arm.name]}, which has no such key"
            for override in arm.without
        ]
    left = list(zip(plan.arms, at_random, strict=True))
    for key, why in dict.fromkeys(chain.from_iterable(one.items() for one in at_random)):
        arms = "; ".join(names[arm.name] for arm, keys in left if keys.get(key) == why)
        lines.append(f"{key} is drawn at random for {arms}: {why}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print()


def _runs(plan: Plan) -> str:
    least = plan.search_runs + plan.confirm_runs
    most = plan.search_runs + plan.most_confirm_runs
    return f"{least}" if least == most else f"{least} to {most}"


def _finalists(plan: Plan) -> str:
    """What becomes of an arm's best trials before one of them wins."""
    if not plan.finalist_seeds:
        return ""
    return f"; each arm's best {plan.budget.finalists} again on {_seeds(plan.finalist_seeds)}"


def _sparsest(plan: Plan, names: Mapping[str, str]) -> str:
    """Of which arms another trial than the winner may be confirmed, and why of none."""
    if plan.margin is None:
        why = "; no sparsest trials, as hydra.sweeper.margin is null"
        return why if any(map(gives_zeros, plan.arms)) else ""
    also = [names[arm.name] for arm, on in zip(plan.arms, plan.sparsest, strict=True) if on]
    within = f"the sparsest trial within {100 * plan.margin:.2g} % of the winner"
    return f"; of {listed(also)} also {within}" if also else ""


def _ablated(plan: Plan, names: Mapping[str, str]) -> str:
    also = [names[arm.name] for arm, keys in zip(plan.arms, plan.ablated, strict=True) if keys]
    return f"; of {listed(also)} also the winner without each ingredient" if also else ""


def _rows(plan: Plan) -> str:
    return ", each with training and validation rows of its own" if plan.resample == "rows" else ""


def _looks(plan: Plan) -> str:
    """When arms are judged, and what does not matter."""
    if plan.looks == (1,):
        return "; of one seed nothing is tested, so there will be no verdict"
    within = "" if plan.margin is None else f"; equivalent within {100 * plan.margin:.2g} %"
    if len(plan.looks) == 1:
        return within
    *first, last = map(str, plan.looks)
    return f"{within}; until decided, looks at {', '.join(first)} and {last} seeds"


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
