"""What an arm is called, and what is confirmed beside its winner."""

from collections.abc import Mapping

_SPARSEST = "sparsest"
_WITHOUT = "without"


def arm_name(choices: Mapping[str, str]) -> str:
    """The choices as overrides, as the tables have it: ``regularizer=l1 model=mlp``."""
    return " ".join(f"{group}={choice}" for group, choice in choices.items())


def sparsest_name(arm: str) -> str:
    """What the sparsest trial of an ``arm`` is called, in a row of its own."""
    return f"{arm} {_SPARSEST}"


def ablation_name(arm: str, ingredient: str) -> str:
    """What the winner of an ``arm`` is called with that ingredient taken out."""
    return f"{arm} {_WITHOUT} {ingredient}"


def is_sparsest(name: str) -> bool:
    """Whether this is what a sparsest trial is called; the words of an arm's name have a ``=``."""
    return name.split(" ")[-1] == _SPARSEST


def taken_out(name: str) -> str | None:
    """The ingredient that is taken out in what is called so; ``None`` where none is."""
    _, without, ingredient = name.partition(f" {_WITHOUT} ")
    return ingredient if without else None
