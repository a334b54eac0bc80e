"""Why nothing is tested, or not all: what the verdicts leave unsaid."""

import math
from collections.abc import Iterator, Mapping, Sequence

from regsweep.report.tables.arm import ArmResult
from regsweep.report.tables.judge import Judgement, plain
from regsweep.report.tables.looks import UNDECIDED
from regsweep.report.tables.request import Request
from regsweep.report.words.view import listed


def why_untested(
    results: Sequence[ArmResult], asked: Mapping[str, Request], judgement: Judgement
) -> dict[str, tuple[str, ...]]:
    """Sentences by sweep, of those that have any; none of a sweep that planned no tests."""
    found = {}
    for sweep in dict.fromkeys(result.sweep for result in results):
        own = [result for result in results if result.sweep == sweep]
        its_asked = asked.get(sweep)
        if its_asked:
            said = (*_of_sweep(own, its_asked), *_of_looks(sweep, own, judgement))
        else:
            said = tuple(_of_unknown(sweep, own))
        if said:
            found[sweep] = said
    return found


def _of_unknown(sweep: str, results: Sequence[ArmResult]) -> Iterator[str]:
    if sweep and any(result.confirmed for result in results):
        yield (
            "Nothing is tested: there is no sweep.json that can be read, so it is not known what "
            "was planned (baseline, looks, margin)."
        )


def _of_sweep(results: Sequence[ArmResult], asked: Request) -> Iterator[str]:
    """A sentence a baseline that was not confirmed, as no other is taken in its place."""
    if not asked.compares:
        return
    seeds = max(asked.looks, default=asked.budget.get("confirm_seeds", 0))
    if seeds == 0:
        yield (
            "Nothing was confirmed (confirm_seeds=0): the table ranks by validation alone and "
            "does not say whether a difference is real."
        )
        return
    confirmed = [result for result in results if result.confirmed]
    sound = [result for result in confirmed if len(result.tested)]
    for baseline in dict.fromkeys(
        asked.baselines[r.arm] for r in confirmed if r.arm in asked.baselines
    ):
        if not any(r.arm == baseline for r in sound):
            unstable = any(r.arm == baseline and r.unstable for r in confirmed)
            why = "a confirm run of it diverged or failed" if unstable else "it has no confirm run"
            yield f"Nothing is tested against {baseline}: {why}."
    if len(sound) > 1 and seeds == 1:
        yield (
            "Nothing is tested: one seed does not tell by how much another would differ; expected "
            "2 confirm_seeds or more."
        )
    elif len(sound) > 1 and not set.intersection(*(set(r.tested.index) for r in sound)):
        yield "Nothing is tested: the arms have no confirm seed in common."


def _of_looks(sweep: str, results: Sequence[ArmResult], judgement: Judgement) -> Iterator[str]:
    waiting = [result.arm for result in results if (sweep, result.arm) in judgement.waiting]
    if waiting:
        yield (
            "The looks are not over: confirm runs of the next one are missing, and what is said "
            f"of {listed(waiting)} may change."
        )
    for arm in (result.arm for result in results):
        pairs = judgement.pairs.get((sweep, arm), {}).values()
        if not pairs or plain(judgement.columns[sweep, arm]["verdict"]) == UNDECIDED:
            continue
        # Shares of rows that are equal may differ in their last bits.
        if math.isclose(min(pairs), max(pairs), rel_tol=1e-9, abs_tol=1e-12):
            yield (
                f"{arm}: all {len(pairs)} seeds gave the same difference from the baseline, "
                "so its interval has no width: of few seeds, or few test rows, that may be chance."
            )
