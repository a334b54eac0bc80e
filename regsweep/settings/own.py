"""The choices of a study file: the user's own functions, found by config group and name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from regsweep.settings.regularizer import Coefficients, Scope

# By config group, then by the name of the choice; what a study's decorators register.
FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {"model": {}, "data": {}, "regularizer": {}}


@dataclass(frozen=True)
class OwnModel:
    """A network of the user's: the choice ``name`` and the values of its keys, as pairs."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def function(self) -> Callable[..., Any]:
        """What builds it, of ``shape``, ``outputs`` and the ``keywords``: an ``nn.Module``."""
        return FUNCTIONS["model"][self.name]

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The values of its keys, by their names."""
        return dict(self.values)


@dataclass(frozen=True)
class OwnRegularizer:
    """A penalty of the user's: its value, a scalar, is added to the loss of the data."""

    name: str
    scope: Scope
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def function(self) -> Callable[..., Any]:
        """What gives the penalty, of the parameters in ``scope``, by name, and ``keywords``."""
        return FUNCTIONS["regularizer"][self.name]

    @property
    def keywords(self) -> Mapping[str, Any]:
        """The values of its keys, by their names."""
        return dict(self.values)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The keys that are floats: each run of a pack has its own; it shares the others."""
        return tuple(key for key, value in self.values if type(value) is float)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What the runs of a pack share of their penalty."""
        numbers = self.numbers
        shared = tuple(pair for pair in self.values if pair[0] not in numbers)
        return self.name, self.scope, numbers, shared

    def coefficients(self) -> Coefficients:
        """All 0: what is fused for all arms has no part in it."""
        return Coefficients()
