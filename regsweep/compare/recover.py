"""A sweep file that was lost, made again from what the command says and the records hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from regsweep.compare.plan import Place, Plan, Slot
from regsweep.errors import InputError
from regsweep.records.record import FILE_NAME, Record, refused
from regsweep.records.sweep_file import SweepFile

# Why the verdicts of a sweep that went on without its file are exploratory.
LOST_PLAN = "sweep.json was lost, and with it the planned looks, margin, baseline and budget"


def refuse_unplanned(directory: Path, plan: Plan) -> None:
    """Refuse a folder that holds a record which the sweep of ``plan`` would not make.

    Raises:
        InputError: where the first one is.
    """
    found = [path.parent.relative_to(directory) for path in directory.rglob(FILE_NAME)]
    if not found:
        return
    slots = [Slot(arm, n) for arm, trials in enumerate(plan.trials) for n in range(trials)]
    searching = (*plan.search_seeds, *plan.finalist_seeds)
    search = [Place("search", slot, seed) for slot in slots for seed in searching]
    confirm = [Place("confirm", slot, seed) for slot in slots for seed in plan.confirm_seeds]
    planned = {plan.folder(place) for place in (*search, *confirm)}
    for folder in found:
        if folder.as_posix() not in planned:
            raise refused(directory / folder)


def recovered(records: Mapping[int, Sequence[Record]], now: SweepFile, folder: Path) -> SweepFile:
    """The sweep file as it was when the sweep of ``records``, by the index of its arm, began.

    ``now`` is what the command asks for and would settle. Configs, versions, the files of the
    data and the study are those of the records, and so are the device, the mode and the threads:
    of the pack width no result depends.

    Raises:
        InputError: the records disagree in what was settled.
    """
    settled = now.settled
    every = [record for of_arm in records.values() for record in of_arm]
    if modes := _of_auto(every, "trainer.compile", "mode"):
        settled = replace(settled, mode=_one(modes, "trainer.compile", folder))
    if ", " not in settled.device and (devices := _of_auto(every, "trainer.device", "device")):
        settled = replace(settled, device=_one(devices, "trainer.device", folder))
    if threads := _seen(every, "threads"):
        settled = replace(settled, threads=_one(threads, "threads", folder))
    configs = [
        next((r.config for r in records.get(arm, ()) if r.seed == now.seed), config)
        for arm, config in enumerate(now.configs)
    ]
    versions = next(iter(_seen(every, "versions")), now.versions)
    data = now.data
    if files := _seen(every, "files"):
        began_with = _one(files, "the SHA-256 of their data", folder)
        data = tuple({**of_arm, "files": began_with} for of_arm in data)
    study = next(iter(_seen(every, "study")), now.study)
    return replace(
        now, settled=settled, configs=tuple(configs), versions=versions, data=data, study=study
    )


def _of_auto(records: Sequence[Record], key: str, name: str) -> list[Any]:
    """What was settled for the runs that leave ``key`` to it."""
    return _seen([r for r in records if r.config.get(key) == "auto"], name)


def _seen(records: Sequence[Record], name: str) -> list[Any]:
    values: list[Any] = []
    for record in records:
        if name in record.environment and record.environment[name] not in values:
            values.append(record.environment[name])
    return values


def _one(values: Sequence[Any], key: str, folder: Path) -> Any:
    if len(values) > 1:
        raise InputError(
            f"{folder}: its sweep.json is lost, and its records disagree about {key}: "
            f"{', '.join(map(str, values))}; take another hydra.sweep.dir"
        )
    return values[0]
