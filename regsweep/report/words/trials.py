"""How many trials each arm had, where that is not the same number."""

from collections.abc import Mapping

from regsweep.report.tables.request import Request
from regsweep.report.words.view import listed, short_names


def differing_trials(asked: Request) -> str:
    """``100 trials for cocktail, 20 for l1 and l2``; empty where all were asked for one number."""
    if not asked.compares or "n_trials" in asked.budget:
        return ""
    names = short_names(asked.arms)
    searched = {names[arm]: n for arm, n in asked.trials.items() if asked.spaces.get(arm)}
    return trials_in_words(searched) if len(set(searched.values())) > 1 else ""


def trials_in_words(trials: Mapping[str, int]) -> str:
    """``100 trials for cocktail, 20 for l1 and l2`` of the numbers of these arms."""
    counts = sorted(set(trials.values()), reverse=True)
    arms = [listed([arm for arm, n in trials.items() if n == count]) for count in counts]
    said = [f"{count} for {of}" for count, of in zip(counts, arms, strict=True)]
    return ", ".join(said).replace(" for ", " trials for ", 1)
