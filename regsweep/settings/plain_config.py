"""A composed config as plain dicts and lists."""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from regsweep.errors import InputError


def plain_config(config: DictConfig) -> dict[str, Any]:
    """The job's part of a composed config, resolved, as plain dicts and lists.

    Raises:
        InputError: a key has no value.
    """
    try:
        return {str(key): _plain(config, key) for key in config if key != "hydra"}
    except MissingMandatoryValue as error:
        raise InputError(f"{error.full_key}: missing; it needs a value") from error


def _plain(config: DictConfig, key: Any) -> Any:
    value = config[key]  # a missing value raises
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
