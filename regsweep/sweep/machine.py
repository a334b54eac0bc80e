"""Whether a machine has what runs need: their devices, and the data that they began with."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from regsweep.data.fetch import ensure_files
from regsweep.data.source import find_source
from regsweep.errors import MachineFault
from regsweep.records.sweep_file import SweepFile
from regsweep.settings.data import Published
from regsweep.settings.own import OwnModel, OwnRegularizer
from regsweep.settings.run import Run, fusible
from regsweep.sweep.arms import Arm

log = logging.getLogger(__name__)

# So many test rows leave an accuracy uncertain by about a point, which may hide a difference.
FEW = 1_000


def check_machine(runs: Sequence[Run], devices: Sequence[str] = ()) -> None:
    """Whether the devices are there, also ``devices`` that were settled earlier, and the data.

    Raises:
        InputError: one of them is not.
    """
    for name in {run.trainer.device for run in runs} | set(devices):
        if name.startswith("cuda"):
            from regsweep.training.device import resolve_device

            resolve_device(name)
    for name, root in {(r.data.name, r.data.root) for r in runs if isinstance(r.data, Published)}:
        ensure_files(find_source(name), Path(root))
    _check_own(runs)


def stored_data(arms: Sequence[Arm]) -> tuple[dict[str, Any], ...]:
    """What a sweep file keeps of each arm's data; nothing where the arm varies them."""
    from regsweep.training.load import facts_of

    of_arms = [{run.data for run in arm.runs} for arm in arms]
    return tuple(facts_of(*data).stored() if len(data) == 1 else {} for data in of_arms)


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

    now = facts_of(run.data).files
    known = [data.get("files", {}) for data in sweep.data]
    if now not in known:
        [change, *_] = changed_files(known[0], now)
        key = change.partition(" ")[0]
        path = run.data.files.get(key)
        raise MachineFault(f"{f'{key}={path}: ' if path else ''}{change}; put the old one back")


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
            run.check(facts_of(run.data))
    kinds = {
        fusible(run): run
        for run in runs
        if isinstance(run.model, OwnModel) or isinstance(run.regularizer, OwnRegularizer)
    }
    if kinds:
        from regsweep.training.own_check import check_own

        for run in kinds.values():
            check_own(run)


def tell_of_data(runs: Sequence[Run]) -> None:
    """Say once what of the user's own data is left out, and where few of them test."""
    own = {run.data: None for run in runs if not isinstance(run.data, Published)}
    for data in own:
        from regsweep.training.load import facts_of

        facts = facts_of(data)
        for note in facts.notes:
            log.info("%s", note)
        if facts.test < FEW:
            error = 100 * math.sqrt(0.9 * 0.1 / facts.test)
            log.info(
                "%d rows test: the choice of so few gives an accuracy of 90 %% a standard error of "
                "%.1f points",
                facts.test,
                error,
            )
