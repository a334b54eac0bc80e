"""Searches that take hours: made on all cores, and each of them kept as soon as it is over."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, cores


def all_searches(
    name: str,
    case: Mapping[str, Any],
    searches: int,
    make: Callable[[int], Any],
    folder: Path | None,
) -> Iterator[list[Any]]:
    """What ``make`` gives for each number below ``searches``, in their order, as they come in.

    Each is kept in ``<name>-searches.jsonl``, in ``folder`` or results/, and found there again by a
    later call of the same ``case``; what ``make`` gives is JSON, and comes back as JSON gives it.
    Processes of their own make them, one a core.
    """
    path = (folder or RESULTS) / f"{name}-searches.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    found = _kept(path, case)
    missing = [number for number in range(searches) if number not in found]
    if not missing:
        yield [found[number] for number in range(searches)]
    with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
        running = {pool.submit(make, number): number for number in missing}
        for done in as_completed(running):
            line = json.dumps({"case": case, "search": running[done], "found": done.result()})
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
