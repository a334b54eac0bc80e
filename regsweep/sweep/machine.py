"""Whether a machine has what runs need: their devices, and the data that they began with."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from regsweep.data.fetch import ensure_files
from regsweep.data.source import find_source
from regsweep.errors import InputError, MachineFault
from regsweep.records.sweep_file import SweepFile
from regsweep.records.task import ACCURACY, R2, LossChoice, Score
from regsweep.settings.data import Own, OwnData, Published
from regsweep.settings.own import OwnModel, OwnRegularizer
from regsweep.settings.regularizer import Cocktail
from regsweep.settings.run import Run, fusible
from regsweep.sweep.arms import Arm

log = logging.getLogger(__name__)

# So many test rows leave an accuracy uncertain by about a point, which may hide a difference.
FEW = 1_000


def check_machine(
    runs: Sequence[Run], devices: Sequence[str] = (), *, train_here: bool = True
) -> None:
    """Whether the devices are there, also ``devices`` that were settled earlier, and the data.

    The devices of a cluster are known to its workers alone.

    Raises:
        InputError: one of them is not.
    """
    for name in {run.trainer.device for run in runs} | set(devices):
        if train_here and name.startswith("cuda"):
            from regsweep.training.device import resolve_device

            resolve_device(name)
    for name, root in {(r.data.name, r.data.root) for r in runs if isinstance(r.data, Published)}:
        ensure_files(find_source(name), Path(root))
    _check_own(runs)
    _check_scores(runs)


def check_draws(runs: Sequence[Run], rows_seeds: Sequence[int]) -> None:
    """Try what each of ``rows_seeds`` will draw of the user's own data in a run that confirms.

    Only the targets are drawn. Of published data all draws have as many rows of each class.

    Raises:
        InputError: the first seed whose rows cannot be divided, or not trained or tested on.
    """
    by_data: dict[tuple[Own, LossChoice], list[Run]] = {}
    for run in runs:
        if not isinstance(run.data, Published):
            by_data.setdefault((run.data, run.loss), []).append(run)
    for (data, loss), own in by_data.items():
        from regsweep.training.load import facts_of, targets_drawn
        from regsweep.training.score import check_defined

        facts, drawn = facts_of(data, loss), targets_drawn(data, loss, rows_seeds)
        for seed in rows_seeds:
            try:
                targets = next(drawn)
                for run in own:
                    run.check(replace(facts, train=len(targets.train)))
                    check_defined(targets, run.task(facts.task).score, facts.classes)
            except InputError as error:
                raise InputError(
                    f"hydra.sweeper.resample=rows: the rows that seed {seed} would draw cannot be "
                    f"trained on: {error}"
                ) from error


def stored_data(arms: Sequence[Arm]) -> tuple[dict[str, Any], ...]:
    """What a sweep file keeps of each arm's data; nothing where the arm varies them."""
    from regsweep.training.load import facts_of

    of_arms = [{(run.data, run.loss) for run in arm.runs} for arm in arms]
    return tuple(facts_of(*next(iter(data))).stored() if len(data) == 1 else {} for data in of_arms)


def sources_of(runs: Sequence[Run]) -> Mapping[str, str]:
    """SHA-256 of each file of the study that ``runs`` have choices of; none where there is none."""
    studies = {run.study for run in runs} - {None}
    return {file: sha256 for study in studies if study for file, sha256 in study.sources.items()}


def refuse_other_files(run: Run, sweep: SweepFile) -> None:
    """Refuse to train with data or a study that have changed since the sweep began.

    Raises:
        MachineFault: the SHA-256 is another.
    """
    if run.study is not None:
        for change in changed_files(sweep.study, run.study.sources):
            raise MachineFault(f"{change}; put the old one back")
    if isinstance(run.data, Published) or not sweep.data or not all(sweep.data):
        return
    from regsweep.training.load import facts_of

    now = facts_of(run.data, run.loss).files
    known = [data.get("files", {}) for data in sweep.data]
    if now not in known:
        [change, *_] = changed_files(known[0], now)
        key = change.partition(" ")[0]
        path = run.data.files.get(key)
        at_random = "seed what it draws, or " if isinstance(run.data, OwnData) else ""
        raise MachineFault(
            f"{f'{key}={path}: ' if path else ''}{change}; {at_random}put the old one back"
        )


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What of files, and of the rows of a function, is not as it was: each with both SHA-256."""
    return [
        f"{key} {'gives other rows' if '=' in key else 'is another file'} than when the sweep "
        f"began: its SHA-256 was {before.get(key, 'none')} and is now {now.get(key, 'none')}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _check_own(runs: Sequence[Run]) -> None:
    """Read the user's own data, and check the runs by what they hold; try their own networks."""
    own = [run for run in runs if not isinstance(run.data, Published)]
    if own:
        from regsweep.training.load import facts_of

        for run in own:
            run.check(facts_of(run.data, run.loss))
    kinds = {
        fusible(run): run
        for run in runs
        if isinstance(run.model, OwnModel) or isinstance(run.regularizer, OwnRegularizer)
    }
    if kinds:
        from regsweep.training.own_check import check_own

        for run in kinds.values():
            check_own(run)


def _check_scores(runs: Sequence[Run]) -> None:
    """Look into the parts of the data where a score needs certain rows in each."""
    asked = {(r.data, r.loss, r.score): r for r in runs if r.score != "auto"}
    for run in asked.values():
        from regsweep.training.load import facts_of, load_data
        from regsweep.training.score import check_defined

        facts = facts_of(run.data, run.loss)
        score = run.task(facts.task).score
        check_defined(load_data(run.data, run.loss, test=True), score, facts.classes)


def tell(runs: Sequence[Run]) -> None:
    """Say once what of own data is left out, where few of them test, and what does nothing."""
    own = {(r.data, r.loss): r for r in runs if not isinstance(r.data, Published)}
    for run in own.values():
        from regsweep.training.load import facts_of

        facts = facts_of(run.data, run.loss)
        for note in facts.notes:
            log.info("%s", note)
        if facts.test < FEW:
            log.info(
                "%d rows test: the choice of so few %s",
                facts.test,
                _left_open(run.task(facts.task).score, facts.test),
            )
    for key, why in dict.fromkeys(idle for run in runs for idle in _idle(run).items()):
        log.info("%s does nothing here: %s; null leaves it out", key, why)


def _idle(run: Run) -> dict[str, str]:
    if not isinstance(run.regularizer, Cocktail):
        return {}
    from regsweep.training.load import facts_of

    return run.idle(facts_of(run.data, run.loss))


def _left_open(score: Score, examples: int) -> str:
    """What a score's standard error over so many examples is, at a usual value of it.

    Of an accuracy p: sqrt(p (1 - p) / n). Of an R²: about 2 R (1 - R²) / sqrt(n) (Olkin and Finn,
    1995).
    """
    if score == R2:
        error = 2 * math.sqrt(0.5) * 0.5 / math.sqrt(examples)
        return f"gives an R² of 0.5 a standard error of {error:.2f}"
    if score != ACCURACY:
        return f"alone leaves a {score.words} uncertain"
    error = 100 * math.sqrt(0.9 * 0.1 / examples)
    return f"gives an accuracy of 90 % a standard error of {error:.1f} points"
