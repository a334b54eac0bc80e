"""The configs of a sweep's jobs, composed once for each set of choices."""

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from regsweep.jobs.config_copy import unpickled
from regsweep.settings.flat import flatten, with_value
from regsweep.settings.plain_config import plain_config

# Configs kept, of 20 kB each.
MOST_COMPOSED = 1_000

# An override that sets a key to a number, or null, and does nothing else, whatever the key.
_NUMBER = re.compile(
    r"(?P<key>[A-Za-z_][\w.]*)=(?P<number>null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)

# A value that is the same for all jobs, though it is read from elsewhere.
_ENVIRONMENT = re.compile(r"\$\{oc\.env:\w+,(?:[^${}]|\$\{oc\.env:\w+,[^${}]*\})*\}")


@dataclass(frozen=True)
class DeferredConfig:
    """The config of a job, to be made where it is needed: a pickled one, and what to change in it.

    ``overrides`` are those of the job's task. ``plain`` is the config without Hydra's part, as
    ``plain_config`` has it, or ``None`` where only the config itself can tell.
    """

    pickled: bytes
    numbers: Mapping[str, int | float | None]
    overrides: tuple[str, ...]
    plain: Mapping[str, Any] | None

    def config(self, master: DictConfig) -> DictConfig:
        """The config, for a job of the sweep ``master``."""
        config = unpickled(self.pickled)
        for key, number in self.numbers.items():
            OmegaConf.update(config, key, number)
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.overrides.task = list(self.overrides)
        OmegaConf.copy_cache(from_config=master, to_config=config)
        return config


class ComposedOnce(ConfigLoader):
    """A config loader that composes each set of choices of a sweep's jobs once.

    Jobs that differ in numbers alone, such as ``regularizer.weight=0.1`` (or null), get copies of
    the config of the first of them with those numbers changed, 50 times as fast. All else, errors
    included, is what ``loader`` gives.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self.composed: dict[tuple[str, ...], DeferredConfig] = {}

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """The config of the job with ``sweep_overrides``."""
        return self.defer(master_config, sweep_overrides).config(master_config)

    def defer(self, master: DictConfig, overrides: Sequence[str]) -> DeferredConfig:
        """The config of the job with ``overrides``, still to be made."""
        found = [(line, _NUMBER.fullmatch(line)) for line in overrides]
        numbers = {match["key"]: _number(match["number"]) for _, match in found if match}
        choices = tuple(match["key"] if match else line for line, match in found)
        if choices not in self.composed:
            config = self.loader.load_sweep_config(master, list(overrides))
            task: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
            changeable = tuple(task) == _of_the_task(overrides) and _is_changeable(
                config, numbers, overrides
            )
            constant = changeable and _is_constant(config, numbers)
            plain = plain_config(config) if constant else None
            deferred = DeferredConfig(pickle.dumps(config), {}, tuple(task), plain)
            if not changeable:
                return deferred
            if len(self.composed) == MOST_COMPOSED:
                self.composed.clear()
            self.composed[choices] = deferred
        deferred = self.composed[choices]
        resolved = deferred.plain
        if resolved is not None:
            for key, number in numbers.items():
                resolved = with_value(resolved, key, number)
        return replace(deferred, numbers=numbers, overrides=_of_the_task(overrides), plain=resolved)

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """As ``loader`` has it; so are the methods below."""
        return self.loader.load_configuration(
            config_name, overrides, run_mode, from_shell, validate_sweep_overrides
        )

    def get_search_path(self) -> ConfigSearchPath:  # noqa: D102
        return self.loader.get_search_path()

    def get_sources(self) -> list[ConfigSource]:  # noqa: D102
        return self.loader.get_sources()

    def list_groups(self, parent_name: str) -> list[str]:  # noqa: D102
        return self.loader.list_groups(parent_name)

    def get_group_options(  # noqa: D102
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        return self.loader.get_group_options(group_name, results_filter, config_name, overrides)

    def compute_defaults_list(  # noqa: D102
        self, config_name: str | None, overrides: list[str], run_mode: RunMode
    ) -> Any:
        return self.loader.compute_defaults_list(config_name, overrides, run_mode)


def _of_the_task(overrides: Sequence[str]) -> tuple[str, ...]:
    """``overrides`` without those of Hydra's own config."""
    return tuple(line for line in overrides if not line.startswith(("hydra.", "hydra/")))


def _number(text: str) -> int | float | None:
    if text == "null":
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _is_changeable(
    config: DictConfig, numbers: Mapping[str, Any], overrides: Sequence[str]
) -> bool:
    """Whether changing ``numbers`` in ``config`` is all that composing anew would do."""
    keys = [line.partition("=")[0].lstrip("+~") for line in overrides]
    choices = {f"{group}={name}" for group, name in config.hydra.runtime.choices.items()}
    # A node given as a whole, such as optimizer={lr: 1}, covers what stands before it.
    nodes = [k for k, line in zip(keys, overrides, strict=True) if line.lstrip("+") not in choices]
    return (
        len(set(keys)) == len(keys)
        and not any(key.startswith(f"{node}.") for key in keys for node in nodes)
        and all(
            not key.startswith("hydra.")
            and OmegaConf.select(config, key) == number
            and not _is_typed(config, key)
            for key, number in numbers.items()
        )
    )


def _is_typed(config: DictConfig, key: str) -> bool:
    """Whether a schema says what may stand under the dotted ``key``, and converts it."""
    parts = key.split(".")
    parents = [".".join(parts[:depth]) for depth in range(1, len(parts))]
    kinds = {OmegaConf.get_type(OmegaConf.select(config, parent)) for parent in parents}
    return not kinds <= {dict, list}


def _is_constant(config: DictConfig, numbers: Mapping[str, Any]) -> bool:
    """Whether ``numbers`` change no other value of the job's part, and none of its values lacks.

    A number in a list, such as ``model.hidden.0``, has no dotted key of its own.
    """
    raw: Any = OmegaConf.to_container(config, resolve=False)
    values = {key: str(v) for key, v in flatten(raw).items() if not key.startswith("hydra.")}
    return numbers.keys() <= values.keys() and not any(
        "${" in _ENVIRONMENT.sub("", value) or "???" in value for value in values.values()
    )
