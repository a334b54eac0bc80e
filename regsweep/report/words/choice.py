"""What to take, in a sentence."""

from regsweep.report.tables.choice import Choice, Reason
from regsweep.report.tables.request import Request

_AHEAD: dict[Reason, str] = {
    "baseline": "is the baseline",
    "fewest keys": "has the fewest searched keys",
    "best mean": "has the best mean, with as few searched keys as any",
}


def choice_sentence(choice: Choice, asked: Request) -> str:
    """``To take: regularizer=none. Of the arms shown ... it is the baseline.``

    ``asked`` is what the sweep of the choice was asked for.
    """
    measure = "test loss" if choice.metric == "test_loss" else f"test {choice.score.error}"
    within = f"shown to be at most {100 * choice.margin:g} % worse than the best in {measure}"
    looks = f" and {len(asked.looks)} looks" if len(asked.looks) > 1 else ""
    how = f"{choice.seeds} common seeds, corrected for {choice.arms} arms{looks}"
    one_of_several = len(set(asked.baselines.values())) > 1
    of = f" compared with {choice.baseline}" if one_of_several else ""
    exploratory = "exploratory, " if asked.exploratory else ""
    if choice.arm is None or choice.reason is None:
        return f"To take: open. No arm{of} is {within} ({exploratory}{how})."
    if choice.reason == "only":
        return f"To take: {choice.arm}. It is the only arm{of} {within} ({exploratory}{how})."
    return (
        f"To take: {choice.arm}. Of the arms{of} {within} ({', '.join(choice.among)}; "
        f"{exploratory}{how}) it {_AHEAD[choice.reason]}."
    )
