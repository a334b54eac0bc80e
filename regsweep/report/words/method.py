"""How a sweep was done, in words: its budget, its seeds, its spaces, the machine."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from regsweep.records.record import BEST_EPOCH
from regsweep.report.tables.override import spelled
from regsweep.report.tables.request import Request
from regsweep.report.words.trials import differing_trials

_GROUPS = ("data", "model", "optimizer", "trainer")
# Where the files are, and how much a run says, changes no number.
_NOT_SHOWN = {"root", "log_every"}
_MOST_LISTED = 12
_DEFAULTS = "none: every key at its default"
_OF_THE_BEST = "; of the best under early_stopping, on the half of the rows that did not choose it"


@dataclass(frozen=True)
class ArmCount:
    """What one arm was given and how it went; ``space`` is a line a searched key.

    ``is_asked`` says whether the sweep says what was searched at all.
    """

    name: str
    arm: str
    trials: int
    runs: int
    failed: int
    diverged: int
    space: tuple[str, ...]
    is_asked: bool


def facts(runs: pd.DataFrame, asked: Request | None) -> list[tuple[str, str]]:
    """Terms and what they were in one sweep, from its ``sweep.json`` and its runs."""
    stated: list[tuple[str, str]] = []
    if asked:
        stated = [
            *_asked_facts(asked, stops=BEST_EPOCH in runs),
            *_common_facts(asked),
            ("task", _task(asked)),
            *_data_facts(asked),
        ]
    seen = [("epochs a run", _listed(runs.loc[runs["status"] == "completed", "epochs"]))]
    for stage, words in (("search", "search seeds"), ("confirm", "confirm seeds")):
        seen.append((words, _listed(runs.loc[runs["stage"] == stage, "seed"])))
    seen.append(("seeds", _listed(runs.loc[runs["stage"] == "single", "seed"])))
    machine = _machine_facts(asked) if asked else []
    return [(term, text) for term, text in (*stated, *seen, *machine) if text]


def arm_counts(
    runs: pd.DataFrame, comparison: pd.DataFrame, names: Mapping[str, str], asked: Request | None
) -> list[ArmCount]:
    """Runs, failures and search space an arm, in the order of the comparison."""
    spaces = asked.spaces if asked else {}
    counts = []
    for row in comparison.to_dict("records"):
        arm = str(row["arm"])
        status = runs.loc[runs["arm"] == arm, "status"]
        space = spaces.get(arm, {})
        counts.append(
            ArmCount(
                name=names[arm],
                arm=arm,
                trials=int(row["trials"]),
                runs=len(status),
                failed=int((status == "failed").sum()),
                diverged=int((status == "diverged").sum()),
                space=tuple(f"{key}={sweep}" for key, sweep in space.items()),
                is_asked=arm in spaces,
            )
        )
    return counts


def _asked_facts(asked: Request, *, stops: bool) -> list[tuple[str, str]]:
    """``stops`` says that there are runs which stop early."""
    overrides = " ".join(map(shlex.quote, asked.overrides))
    of = ", of the last epoch" + _OF_THE_BEST * stops
    return [
        ("overrides", overrides or _DEFAULTS),
        ("sweeper", asked.sweeper),
        ("budget", _budget(asked)),
        ("objective", asked.objective + of if asked.objective else ""),
        ("baseline", "; ".join(dict.fromkeys(asked.baselines.values()))),
        ("looks", _looks(asked)),
        ("confirm runs", _resampled(asked)),
        ("first seed", str(asked.seed)),
    ]


def _looks(asked: Request) -> str:
    """At how many seeds arms were judged, and what did not matter."""
    if not asked.looks:
        return ""
    margin = "" if asked.margin is None else f", margin {asked.margin:.2g} of the baseline's mean"
    return f"at {', '.join(map(str, asked.looks))} seeds, 5 % in all{margin}"


def _resampled(asked: Request) -> str:
    return (
        "each seed on training and validation rows of its own" if asked.resample == "rows" else ""
    )


def _common_facts(asked: Request) -> list[tuple[str, str]]:
    """What all arms have in common, a fact a config group, by its choice and then its keys."""
    facts = []
    for group in _GROUPS:
        prefix = f"{group}."
        keys = {k.removeprefix(prefix): v for k, v in asked.common.items() if k.startswith(prefix)}
        parts = [str(keys.pop("name"))] if "name" in keys else []
        parts += [f"{k} {spelled(v)}" for k, v in keys.items() if k not in _NOT_SHOWN]
        facts.append((group, ", ".join(parts)))
    return facts


def _task(asked: Request) -> str:
    """What the networks learn, and how that is measured where it was asked for."""
    tasks = dict.fromkeys(str(data["task"]) for data in asked.data.values() if "task" in data)
    keys = ("loss", "score", "loss_weight")
    given = {key: asked.common.get(key) for key in keys}
    said = [f"{key} {v}" for key, v in given.items() if v not in (None, "auto", "none")]
    return ", ".join([*tasks, *said])


def _data_facts(asked: Request) -> list[tuple[str, str]]:
    """How many examples there were, and of which classes, where that is so for all arms."""
    first, *others = asked.data.values() or ({},)
    if not {"train", "validation", "test", "classes"} <= first.keys():  # of an older file
        return []
    if any(other != first for other in others):
        return []
    parts = ", ".join(f"{first[part]:,} {part}" for part in ("train", "validation", "test"))
    names = list(first["classes"])
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    of_labels = first.get("task") == "binary" and first["outputs"] > 1
    return [
        ("examples", parts),
        ("labels" if of_labels else "classes", ", ".join(names[:_MOST_LISTED]) + more),
        ("targets", _scaling(first)),
    ]


def _scaling(data: Mapping[str, Any]) -> str:
    """In what unit numbers were learned, output by output."""
    outputs = zip(data.get("mean", ()), data.get("deviation", ()), strict=True)
    units = [f"mean {mean:.4g}, standard deviation {sd:.4g}" for mean, sd in outputs]
    more = f"; and {len(units) - _MOST_LISTED} more" if len(units) > _MOST_LISTED else ""
    return f"standardised by {'; '.join(units[:_MOST_LISTED])}{more}" if units else ""


def _budget(asked: Request) -> str:
    budget = asked.budget
    words = (
        ("n_trials", "an arm", "trial"),
        ("n_jobs", "a round", "trial"),
        ("replicates", "a trial", "search seed"),
        *((("finalists", "an arm", "finalist"),) * (budget.get("finalists", 1) > 1)),
        ("confirm_seeds", "a winner", "fresh seed"),
    )
    counts = {
        key: f"{_counted(budget[key], thing)} {of}" for key, of, thing in words if key in budget
    }
    if differing := differing_trials(asked):
        counts = {"n_trials": differing, **counts}
    if "finalists" in counts:
        counts["finalists"] += f" on {_counted(budget['finalist_seeds'], 'seed')} more"
    if len(asked.looks) > 1:
        counts["confirm_seeds"] = f"{asked.looks[0]} to {asked.looks[-1]} fresh seeds a winner"
    return ", ".join(counts.values())


def _machine_facts(asked: Request) -> list[tuple[str, str]]:
    settled = dict(asked.settled)
    threads = settled.pop("threads", None)
    width = settled.pop("pack_width", None)
    how = {"packed": settled.pop("packed", {}), "each run alone": settled.pop("alone", {})}
    parts = [
        *(str(settled.pop(key)) for key in ("device", "mode") if key in settled),
        *([_counted(threads, "thread")] if threads is not None else []),
        *(f"{key} {value}" for key, value in settled.items()),
        *([f"packs of up to {_counted(width, 'run')}"] if width is not None else []),
        *(f"{tried} {words} ({why})" for words, of in how.items() for tried, why in of.items()),
    ]
    versions = [f"{name} {version}" for name, version in asked.versions.items()]
    return [("computed on", ", ".join(parts)), ("versions", ", ".join(versions))]


def _counted(count: Any, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _listed(values: Iterable[int]) -> str:
    """Distinct values; ``10000 to 10009`` where none between is missing."""
    distinct = sorted(set(values))
    if len(distinct) > 2 and distinct[-1] - distinct[0] == len(distinct) - 1:
        return f"{distinct[0]} to {distinct[-1]}"
    shown = ", ".join(map(str, distinct[:_MOST_LISTED]))
    more = len(distinct) - _MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown
