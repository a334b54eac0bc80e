"""Hydra's errors as one message that names the key, its value and what would be right."""

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from regsweep.config import CHANNELS, GROUP_CHANNELS, GROUPS
from regsweep.errors import InputError, nearest

# Nodes and keys that are not for the command line.
HIDDEN = ("hydra", *CHANNELS, *GROUP_CHANNELS)


def explain(error: Exception) -> str:
    """What the user should change, in one message without a traceback."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, HydraException):
        return _explain_hydra(error)
    if isinstance(error, OmegaConfBaseException) and error.full_key:
        return f"{error.full_key}: {_first_line(error)}"
    return f"{type(error).__name__}: {_first_line(error)}"


def _explain_hydra(error: HydraException) -> str:
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        if group:
            return f"{group}={choice}: no such choice; {nearest(choice, error.options or [])}"
    if isinstance(error, OverrideParseException):
        return f"{error.override}: expected key=value, as Hydra reads it ({_first_line(error)})"
    if isinstance(cause, (ConfigAttributeError, ConfigKeyError)) and cause.full_key:
        return _unknown_key(cause)
    if isinstance(cause, OmegaConfBaseException):
        return f"{_first_line(error) or 'the config'}: {_first_line(cause)}"
    return str(error)


def _unknown_key(cause: ConfigAttributeError | ConfigKeyError) -> str:
    key = str(cause.full_key)
    group, _, name = key.rpartition(".")
    parent = cause.parent_node if isinstance(cause.parent_node, DictConfig) else {}
    known = [str(sibling) for sibling in parent if sibling not in HIDDEN]
    if not group:
        known.append("experiment")  # a group whose choices leave no node behind
    owner = f" of {group}={parent['name']}" if group in GROUPS and "name" in parent else ""
    return f"{key}: no such key{owner}; {nearest(name, known)}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
