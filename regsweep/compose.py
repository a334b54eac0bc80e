"""The configs of a sweep's jobs, composed once for each set of choices."""

import io
import pickle
import re
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

# Configs kept, of 20 kB each.
MOST_COMPOSED = 1_000

# An override that sets a key to a number and does nothing else, whatever the key.
_NUMBER = re.compile(
    r"(?P<key>[A-Za-z_][\w.]*)=(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)


class JobConfig(DictConfig):
    """A config that pickle copies, in half the time of OmegaConf's own deep copy.

    Hydra copies the config of every job four times, which is most of what a job costs it.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> DictConfig:
        return _unpickled(pickle.dumps(self))


class _Unpickler(pickle.Unpickler):
    """Makes a ``JobConfig`` of each pickled ``DictConfig``."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        return JobConfig if found is DictConfig else found


def _unpickled(pickled: bytes) -> DictConfig:
    config: DictConfig = _Unpickler(io.BytesIO(pickled)).load()
    return config


class ComposedOnce(ConfigLoader):
    """A config loader that composes each set of choices of a sweep's jobs once.

    Jobs that differ in numbers alone, such as ``regularizer.weight=0.1``, get copies of the
    config of the first of them with those numbers changed, 50 times as fast. All else, errors
    included, is what ``loader`` gives.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self.loader = loader
        self.composed: dict[tuple[str, ...], bytes] = {}

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """The config of the job with ``sweep_overrides``."""
        found = [(line, _NUMBER.fullmatch(line)) for line in sweep_overrides]
        numbers = {match["key"]: _number(match["number"]) for _, match in found if match}
        choices = tuple(match["key"] if match else line for line, match in found)
        if choices not in self.composed:
            composed = self.loader.load_sweep_config(master_config, sweep_overrides)
            if _is_changeable(composed, numbers, sweep_overrides):
                if len(self.composed) == MOST_COMPOSED:
                    self.composed.clear()
                self.composed[choices] = pickle.dumps(composed)
            return composed
        config = _unpickled(self.composed[choices])
        for key, number in numbers.items():
            OmegaConf.update(config, key, number)
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.overrides.task = _of_the_task(sweep_overrides)
        OmegaConf.copy_cache(from_config=master_config, to_config=config)
        return config

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


def _of_the_task(overrides: Sequence[str]) -> list[str]:
    """``overrides`` without those of Hydra's own config."""
    return [line for line in overrides if not line.startswith(("hydra.", "hydra/"))]


def _number(text: str) -> int | float:
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
        and list(config.hydra.overrides.task) == _of_the_task(overrides)
        and all(
            not key.startswith("hydra.") and OmegaConf.select(config, key) == number
            for key, number in numbers.items()
        )
    )
