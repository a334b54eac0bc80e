"""What the decorators of a study file do: a function of the user's becomes a choice of a group."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from regsweep.errors import InputError, nearest
from regsweep.settings.config import GROUPS
from regsweep.settings.own import FUNCTIONS, LISTED
from regsweep.settings.signature import ALWAYS, REQUIRED, keys_of, named

# What a search varies of a choice, by group and name: a sweep for each key, as overrides spell it.
SEARCHES: dict[str, dict[str, Mapping[str, str]]] = {"model": {}, "regularizer": {}}

# What Hydra reads as something else than a name.
_NO_NAMES = ("null", "true", "false", "nan", "inf")


def add(group: str, function: Callable[..., Any], search: Mapping[str, str] | None = None) -> None:
    """Add the choice ``function`` to ``group``, under its own name.

    Raises:
        InputError: its name, a parameter or ``search`` cannot be used; the message says why.
    """
    who = named(group, function)
    name = getattr(function, "__name__", "")
    if not (name.isidentifier() and name.isascii()) or name[0] == "_" or name.lower() in _NO_NAMES:
        raise InputError(f"{who}: no name for a choice; expected one in ASCII, such as mine")
    if name in GROUPS[group]:
        raise InputError(f"{who}: {group}={name} is built in; expected another name")
    before = FUNCTIONS[group].get(name)
    if before is not None and not _is_again(function, before):
        raise InputError(f"{who}: {group}={name} is there already; expected another name")
    keys = [key.name for key in (*keys_of(group, function), *ALWAYS[group])]
    if search is not None:
        if not isinstance(search, Mapping):
            raise InputError(f"{who}: search={search!r}: expected a dict of sweeps, by their keys")
        for key, sweep in search.items():
            if key not in keys:
                raise InputError(f"{who}: search: {key}: no such key; {nearest(str(key), keys)}")
            if not isinstance(sweep, str):
                raise InputError(
                    f"{who}: search: {key}={sweep!r}: expected text, such as 'interval(0, 1)'"
                )
    if group in SEARCHES:
        SEARCHES[group][name] = dict(search or {})
    LISTED[group][name] = frozenset(key.name for key in keys_of(group, function) if key.listed)
    FUNCTIONS[group][name] = function


def node_of(group: str, name: str) -> dict[str, Any]:
    """The choice as its YAML would have it: its keys with their defaults, and what is searched."""
    keys = (*keys_of(group, FUNCTIONS[group][name]), *ALWAYS[group])
    node: dict[str, Any] = {"name": name}
    for key in keys:
        default = key.default
        shown = list(default) if isinstance(default, tuple) else default
        node[key.name] = "???" if default is REQUIRED else shown
    if SEARCHES.get(group, {}).get(name):
        node["search"] = dict(SEARCHES[group][name])
    return node


def _is_again(function: Callable[..., Any], before: Callable[..., Any]) -> bool:
    """Whether both are of one file, which runs as a script and was then imported by its name."""
    modules = function.__module__, before.__module__
    files = [getattr(sys.modules.get(name), "__file__", None) for name in modules]
    return modules[0] != modules[1] and files[0] is not None and files[0] == files[1]
