"""What to take, in a line and in a sentence."""

from collections.abc import Mapping, Sequence

from regsweep.report.tables.choice import Choice, Reason
from regsweep.report.tables.request import Request
from regsweep.report.words.view import listed

_AHEAD: dict[Reason, str] = {
    "only": "is the only arm shown so",
    "baseline": "is the baseline",
    "fewest keys": "has the fewest searched keys",
    "best mean": "has the best mean, with as few searched keys as any",
}


def choice_lines(
    choices: Mapping[str, Sequence[Choice]],
    asked: Mapping[str, Request],
    names: Mapping[str, str],
) -> tuple[str, ...]:
    """``To take: none (the baseline). It is shown to be at most 1 % worse than the best in ...``

    A line a sweep that has ``choices``, without how it was shown; ``names`` are the arms' short
    names. Of several baselines there is an arm each, and nothing is said of those without.
    """
    return tuple(
        (f"{sweep}: " if len(asked) > 1 else "") + _line(its_choices, asked[sweep], names)
        for sweep, its_choices in choices.items()
        if its_choices
    )


def _line(choices: Sequence[Choice], asked: Request, names: Mapping[str, str]) -> str:
    within = _within(choices[0]) + (" (exploratory)" if asked.exploratory else "")
    taken = [
        names[choice.arm] + (" (the baseline)" if choice.arm == choice.baseline else "")
        for choice in choices
        if choice.arm
    ]
    if not taken:
        return f"To take: open, as no arm is {within}."
    of = ", of each baseline's arms" if len(choices) > 1 else ""
    who = "It is" if len(taken) == 1 else "Each is"
    return f"To take{of}: {listed(taken)}. {who} {within}."


def _within(choice: Choice) -> str:
    measure = "test loss" if choice.metric == "test_loss" else f"test {choice.score.error}"
    return f"shown to be at most {100 * choice.margin:g} % worse than the best in {measure}"


def choice_sentence(choices: Sequence[Choice], asked: Request) -> str | None:
    """``To take: regularizer=none. Of the arms shown ... it is the baseline.``

    ``choices`` are those of one sweep, and ``asked`` is what it was asked for. Those of several
    baselines share a sentence. ``None`` where there is no choice.
    """
    if not choices:
        return None
    first, *others = choices
    looks = f" and {len(asked.looks)} looks" if len(asked.looks) > 1 else ""
    within = _within(first)
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
