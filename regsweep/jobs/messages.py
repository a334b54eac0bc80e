"""Hydra's errors as one message that names the key, its value and what would be right."""

import re
from collections.abc import Container, Mapping
from typing import Any

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import MarkedYAMLError  # type: ignore[import-untyped]

from regsweep.errors import InputError, machine_fault, nearest
from regsweep.settings.config import CHANNELS, GROUP_CHANNELS, GROUPS, TARGET, write_instead
from regsweep.settings.own import FUNCTIONS
from regsweep.sweep.address import without_passwords

# Nodes and keys that are not for the command line.
HIDDEN = ("hydra", *CHANNELS, *GROUP_CHANNELS)
# What Hydra and OmegaConf say, with the override in question.
_ONLY_OF_A_SWEEP = re.compile(
    r"(?:Ambiguous value for argument|Sweep parameters) '(.*)'(?: requires --multirun)?$", re.M
)
_MERGING = re.compile(r"Error merging override (.*)$")
_WRONG_TYPE = re.compile(r"could not be converted to (Integer|Float)|is not a valid (bool)")
EXPECTED = {"Integer": "a whole number", "Float": "a number", "bool": "true or false"}
# Of the node that a target was named in, which the message has too.
HYDRAS_NOTE = "full_key: "
# What has another name here.
INSTEAD = {"optimizer=adamw": "write optimizer=adam regularizer=weight_decay, which is AdamW"}
# Where a key may be that was given without its node.
NODES = (*GROUPS, "hydra.sweeper", "hydra.launcher")


def explain(error: Exception) -> str:
    """What the user should change, without a traceback or a password; then notes on it."""
    notes = [note for note in getattr(error, "__notes__", []) if not note.startswith(HYDRAS_NOTE)]
    return without_passwords("\n".join([_explained(machine_fault(error) or error), *notes]))


def _explained(error: Exception) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, HydraException):
        return _explain_hydra(error)
    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name}:{mark.line + 1}:{mark.column + 1}: not YAML: {error.problem}"
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {_first_line(error)}"
    return f"{type(error).__name__}: {_first_line(error)}"


def _explain_hydra(error: HydraException) -> str:
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        if group:
            # A base_* node is what a choice of ours builds on.
            offered = [name for name in error.options or [] if not name.startswith("base_")]
            asked = f"{group}={choice}"
            hint = INSTEAD.get(asked, nearest(choice, offered))
            yours = f"; {write_instead(group)}" if group in ("model", "data") else ""
            return f"{asked}: no such choice; {hint}{yours}"
    if isinstance(error, OverrideParseException):
        _, *lines = str(error).splitlines()
        reasons = (line for line in lines if not line.startswith("Error parsing override"))
        reason = next(reasons, _first_line(error))
        return f"{error.override}: expected key=value, as Hydra reads it ({reason})"
    if sweep := _ONLY_OF_A_SWEEP.match(str(error)):
        return f"{sweep[1]}: several values make a sweep: add -m (a list is [...], a text quoted)"
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
        return _unknown_key(cause)
    if (given := _MERGING.match(_first_line(error))) and (wrong := _WRONG_TYPE.search(str(cause))):
        return f"{given[1]}: expected {EXPECTED[wrong[1] or wrong[2]]}"
    if isinstance(cause, OmegaConfBaseException):
        return f"{_first_line(error) or 'the config'}: {_first_line(cause)}"
    return str(error)


def _unknown_key(cause: ConfigAttributeError | ConfigKeyError) -> str:
    key = str(cause.full_key)
    group, _, name = key.rpartition(".")
    if name == TARGET and group in FUNCTIONS:
        return f"{key}: {write_instead(group)}"
    parent = cause.parent_node if isinstance(cause.parent_node, DictConfig) else {}
    known = [str(sibling) for sibling in parent if sibling not in HIDDEN]
    if not group:
        elsewhere = [f"{node}.{name}" for node in NODES if name in _keys(parent, node)]
        if elsewhere and name not in HIDDEN:
            return f"{key}: no such key; did you mean {' or '.join(elsewhere)}?"
        known.append("experiment")  # a group whose choices leave no node behind
    owner = f" of {group}={parent['name']}" if group in GROUPS and "name" in parent else ""
    return f"{key}: no such key{owner}; {nearest(name, known)}"


def _keys(config: Mapping[Any, Any], node: str) -> Container[Any]:
    found = OmegaConf.select(config, node) if isinstance(config, DictConfig) else None
    return found if isinstance(found, DictConfig) else ()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
