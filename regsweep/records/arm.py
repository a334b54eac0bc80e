"""What an arm is called."""

from collections.abc import Mapping


def arm_name(choices: Mapping[str, str]) -> str:
    """The choices as overrides, as the tables have it: ``regularizer=l1 model=mlp``."""
    return " ".join(f"{group}={choice}" for group, choice in choices.items())
