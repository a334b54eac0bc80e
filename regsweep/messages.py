"""Hydra's errors as one message that names the key, its value and what would be right."""

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from regsweep.errors import nearest


def explain(error: HydraException) -> str:
    """What the user should change, in one message without a traceback."""
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
    parent = cause.parent_node
    known: list[str] = []
    owner = ""
    if isinstance(parent, DictConfig):
        known = [str(key) for key in parent if key not in ("hydra", "run", "name", "search")]
        if "name" in parent and "." in str(cause.full_key):
            owner = f" of {str(cause.full_key).rpartition('.')[0]}={parent['name']}"
    return f"{cause.full_key}: no such key{owner}; {nearest(str(cause.key), known)}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
