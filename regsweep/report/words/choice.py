"""What to take, in a sentence."""

from collections.abc import Sequence

from regsweep.report.tables.choice import Choice, Reason
from regsweep.report.tables.request import Request

_AHEAD: dict[Reason, str] = {
    "only": "is the only arm shown so",
    "baseline": "is the baseline",
    "fewest keys": "has the fewest searched keys",
    "best mean": "has the best mean, with as few searched keys as any",
}


def choice_sentence(choices: Sequence[Choice], asked: Request) -> str | None:
    """``To take: regularizer=none. Of the arms shown ... it is the baseline.``

    ``choices`` are those of one sweep, and ``asked`` is what it was asked for. Those of several
    baselines share a sentence. ``None`` where there is no choice.
    """
    if not choices:
        return None
    first, *others = choices
    looks = f" and {len(asked.looks)} looks" if len(asked.looks) > 1 else ""
    measure = "test loss" if first.metric == "test_loss" else f"test {first.score.error}"
    within = f"shown to be at most {100 * first.margin:g} % worse than the best in {measure}"
    exploratory = "exploratory, " if asked.exploratory else ""
    corrected = f"{exploratory}corrected for {first.arms} arms{looks}"
    if others:
        listed = "; ".join(map(_of_baseline, choices))
        return f"To take of each baseline's arms what is {within} ({corrected}): {listed}."
    how = f"{first.seeds} common seeds, {corrected}"
    if first.reason is None:
        return f"To take: open. No arm is {within} ({how})."
    if first.reason == "only":
        return f"To take: {first.arm}. It is the only arm {within} ({how})."
    among = ", ".join(first.among)
    return f"To take: {first.arm}. Of the arms {within} ({among}; {how}) it {_AHEAD[first.reason]}."


def _of_baseline(choice: Choice) -> str:
    seeds = f"{choice.seeds} common seeds"
    if choice.reason is None:
        return f"none of those compared with {choice.baseline} ({seeds})"
    return f"{choice.arm} (it {_AHEAD[choice.reason]}; {seeds})"
