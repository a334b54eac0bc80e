"""Whether the sweep of a folder may go on under the settings that are given now."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.distributions import distribution_to_json

from regsweep.compare.space import parameters_of
from regsweep.errors import InputError
from regsweep.records.arm import arm_name
from regsweep.records.sweep_file import SweepFile
from regsweep.settings.younger import unsaid
from regsweep.sweep.machine import changed_files

log = logging.getLogger(__name__)

# What a result does not depend on: where the data lies, what is printed.
_FREE = ("data.root", "data.path", "data.test_path", "trainer.log_every", "run.")


def refuse_changed(
    before: SweepFile, now: SweepFile, directory: Path, *, accept: bool = False
) -> None:
    """Refuse to go on where old and new trials would not be comparable.

    More trials, more confirm seeds, another baseline and another failure rate are allowed. To
    ``accept`` is to go on with data or a study of another content, which is said.

    Raises:
        InputError: the names of the keys that differ, with both values.
    """
    if before.sweeper != now.sweeper:
        raise InputError(
            f"{directory}: a sweep of hydra/sweeper={before.sweeper} was made here; "
            "take another hydra.sweep.dir"
        )
    changes = _changes(_comparable(before), _comparable(now))
    if changes:
        listed = "; ".join(
            f"{key} was {old} and is now {new}" for key, (old, new) in changes.items()
        )
        raise InputError(
            f"{directory}: its trials would not be comparable with new ones: {listed}. "
            "Give the old values, or take another hydra.sweep.dir"
        )
    for change in _other_files(before, now):
        if not accept:
            raise InputError(
                f"{directory}: {change}. Put the old one back, take another hydra.sweep.dir, or go "
                "on all the same by hydra.sweeper.accept_changes=true"
            )
        log.warning("%s: gone on with all the same", change)


def _other_files(before: SweepFile, now: SweepFile) -> list[str]:
    """What of the study and the data is of another content, each once."""
    changed = changed_files(before.study, now.study)
    for old, new in zip(before.data, now.data, strict=False):
        changed += changed_files(old.get("files", {}), new.get("files", {}))
    return list(dict.fromkeys(changed))


def exploratory(before: SweepFile, now: SweepFile, looked: bool) -> str | None:
    """What of the plan may have been changed after a look, which claims what is false too often.

    ``looked`` says whether there was one. Seeds that no look has seen begin anew.
    """
    if min(before.seeds.get("confirm", (0,)), default=0) != min(now.seeds["confirm"], default=0):
        return None
    again = all(one.budget.get("finalists", 1) > 1 for one in (before, now))
    plans = [
        {
            "looks": list(one.looks),
            "margin": one.margin,
            "baselines": list(one.baselines),
            "n_trials": one.budget.get("n_trials") or _trials_by_arm(one),
            "finalists": one.budget.get("finalists", 1),
            # Of one finalist nothing is run on them.
            "finalist_seeds": one.budget["finalist_seeds"] if again else None,
        }
        for one in (before, now)
    ]
    changes = _changes(*plans) if looked else {}
    found = [f"{key} was {old} and is now {new}" for key, (old, new) in changes.items()]
    found += _other_files(before, now) if looked else []
    return "; ".join(filter(None, (before.exploratory, *found))) or None


def _trials_by_arm(sweep: SweepFile) -> str:
    names = [arm_name(arm) for arm in sweep.arms]
    numbers = zip(names, sweep.trials, sweep.spaces, strict=False)
    return ", ".join(f"{n} of {name}" for name, n, space in numbers if space)


def changed_versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is of another version than when the sweep began; other releases may name others."""
    return [
        f"{name} was {version} when this sweep began, is now {now.get(name, 'not looked at')}"
        for name, version in before.items()
        if now.get(name) != version
    ]


def _comparable(sweep: SweepFile) -> dict[str, Any]:
    """What must stay: arms, their configs and search spaces, rounds, replicates, sampler."""
    names = [arm_name(arm) for arm in sweep.arms]
    flat: dict[str, Any] = {"arms": ", ".join(names), "seed": sweep.seed}
    for key in ("n_jobs", "replicates"):
        flat[f"hydra.sweeper.{key}"] = sweep.budget[key]
    flat |= {f"hydra.sweeper.sampler.{key}": value for key, value in sweep.sampler.items()}
    for name, space, config in zip(names, sweep.spaces, sweep.configs, strict=True):
        flat |= {f"{key} searched ({name})": _Space(key, text) for key, text in space.items()}
        for key, value in {**config, **unsaid(config)}.items():
            if not key.startswith(_FREE) and key not in space and ".search" not in key:
                flat[f"{key} ({name})"] = value
    return flat


@dataclass(frozen=True)
class _Space:
    """A searched interval or list, equal to another that draws the same, however it is spelled."""

    key: str
    text: str

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Space) and self._drawn() == other._drawn()

    def __hash__(self) -> int:
        return hash(self._drawn())

    def _drawn(self) -> tuple[str, ...]:
        return tuple(map(distribution_to_json, parameters_of(self.key, self.text).values()))


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each key that differs, once for all arms in which it differs alike."""
    changes: dict[str, tuple[Any, Any]] = {}
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key, "not there"), now.get(key, "not there")
        if old == new:
            continue
        common = key.partition(" (")[0]
        if changes.get(common, (old, new)) == (old, new):
            changes[common] = (old, new)
        else:
            changes[key] = (old, new)
    # Other arms bring keys of their own, which say nothing more.
    if "arms" in changes:
        return {key: pair for key, pair in changes.items() if "not there" not in pair}
    return changes
