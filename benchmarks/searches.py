"""Searches that take hours: made on all cores, and each of them kept as soon as it is over."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.measure import RESULTS, Row, cores, publish

Label = TypeVar("Label")


def measure_searches(
    name: str,
    settings: Mapping[str, Any],
    cases: Mapping[Label, Mapping[str, Any]],
    make: Callable[[Label, Sequence[int]], Sequence[Any]],
    rows_of: Callable[[Label, Sequence[Any]], Sequence[Row]],
    folder: Path | None,
    together: int = 1,
) -> None:
    """Make the ``searches`` of ``settings`` in each of ``cases``; publish after each what is known.

    A case is the settings beside their number, and what it adds; ``make`` and ``rows_of`` are
    called with its label first. The others are those of ``all_searches``.
    """
    rows: list[Row] = []
    for label, more in cases.items():
        case = {key: value for key, value in settings.items() if key != "searches"} | {**more}
        now: Sequence[Row] = []
        made = partial(make, label)
        for found in all_searches(name, case, settings["searches"], made, folder, together):
            if len(found) > 1:
                now = rows_of(label, found)
                publish(name, settings, [*rows, *now], folder)
        rows += now


def all_searches(
    name: str,
    case: Mapping[str, Any],
    searches: int,
    make: Callable[[Sequence[int]], Sequence[Any]],
    folder: Path | None,
    together: int = 1,
) -> Iterator[list[Any]]:
    """What ``make`` gives for each number below ``searches``, in their order, as they come in.

    It is called with ``together`` of the numbers, or fewer, and gives as many results. Each is kept
    in ``<name>-searches.jsonl``, in ``folder`` or results/, and found there again by a later call
    of the same ``case``; what ``make`` gives is JSON, and comes back as JSON gives it. Processes of
    their own make them, one a core.
    """
    path = (folder or RESULTS) / f"{name}-searches.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    found = _kept(path, case)
    missing = [number for number in range(searches) if number not in found]
    if not missing:
        yield [found[number] for number in range(searches)]
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        parts = [missing[i : i + together] for i in range(0, len(missing), together)]
        running = {pool.submit(make, numbers): numbers for numbers in parts}
        for done in as_completed(running):
            for number, one in zip(running[done], done.result(), strict=True):
                line = json.dumps({"case": case, "search": number, "found": one})
                with path.open("a") as file:
                    file.write(f"{line}\n")
                print(f"{name}: {line}", flush=True)
            found = _kept(path, case)
            yield [found[number] for number in sorted(found) if number < searches]


def _kept(path: Path, case: Mapping[str, Any]) -> dict[int, Any]:
    """The searches of ``case`` that are there, by their number."""
    lines = path.read_text().splitlines() if path.exists() else []
    kept = map(json.loads, lines)
    same = json.loads(json.dumps(case))
    return {one["search"]: one["found"] for one in kept if one["case"] == same}
