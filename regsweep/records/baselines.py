"""What each arm is tested against where nobody names a baseline."""

from collections.abc import Mapping, Sequence


def planned_tests(baselines: Mapping[str, str]) -> int:
    """The number of tests that ``baselines``, by arm, plan: of every arm but the baselines."""
    return sum(arm != baseline for arm, baseline in baselines.items())


def default_baselines(arms: Sequence[Mapping[str, str]]) -> list[int]:
    """The place of each arm's baseline among ``arms``, which map groups to choices.

    It is the arm of the same other choices with ``regularizer=none``, so that a difference is the
    regularizer's alone; where any arm has none such, the first arm is everyone's.
    """
    places = {frozenset(arm.items()): place for place, arm in enumerate(arms)}
    twins = [places.get(frozenset({**arm, "regularizer": "none"}.items())) for arm in arms]
    found = [twin for twin in twins if twin is not None]
    return found if len(found) == len(arms) else [0] * len(arms)
