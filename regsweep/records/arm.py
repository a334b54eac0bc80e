"""What an arm is called, and its sparsest trial."""

from collections.abc import Mapping

_SPARSEST = "sparsest"


def arm_name(choices: Mapping[str, str]) -> str:
    """The choices as overrides, as the tables have it: ``regularizer=l1 model=mlp``."""
    return " ".join(f"{group}={choice}" for group, choice in choices.items())


def sparsest_name(arm: str) -> str:
    """What the sparsest trial of an ``arm`` is called, in a row of its own."""
    return f"{arm} {_SPARSEST}"


def is_sparsest(name: str) -> bool:
    """Whether this is what a sparsest trial is called; the words of an arm's name have a ``=``."""
    return name.split(" ")[-1] == _SPARSEST
