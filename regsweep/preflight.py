"""What can be known before the first job of a sweep is checked before it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    IntervalSweep,
    Override,
    QuotedString,
    Transformer,
)
from omegaconf import DictConfig, OmegaConf, open_dict

from regsweep.config import read_run
from regsweep.errors import bad_value
from regsweep.search_space import search_space
from regsweep.spec.run import Run

SEARCHERS = ("optuna",)


@dataclass(frozen=True)
class Sweep:
    """What a sweep will do: the choices it compares, the keys it varies, a run of each arm."""

    arms: tuple[Mapping[str, str], ...]
    searched: tuple[str, ...]
    runs: tuple[Run, ...]


def plain_config(config: DictConfig) -> dict[str, Any]:
    """The job's part of a composed config, resolved, as plain dicts and lists."""
    job = config.copy()
    with open_dict(job):
        job.pop("hydra", None)
    plain = OmegaConf.to_container(job, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def is_search(hydra: HydraConf) -> bool:
    """Whether the jobs of this sweep are trials of a search rather than runs for their own sake."""
    return hydra.runtime.choices["hydra/sweeper"] in SEARCHERS


def check_sweep(config: DictConfig, loader: ConfigLoader) -> Sweep:
    """Compose every arm of the sweep ``config`` and check each value that it will try.

    Each arm is composed once, with the first value of every swept key; the other values (of an
    interval, its two ends) are tried in their place one by one.

    Raises:
        InputError: a value is wrong, or a search has nothing to judge its trials by.
        HydraException: an arm does not compose.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(
        list(config.hydra.overrides.task)
    )
    choices = config.hydra.runtime.choices
    groups = [o for o in overrides if o.is_sweep_override() and o.key_or_group in choices]
    swept = [o for o in overrides if o.is_sweep_override() and o.key_or_group not in choices]
    fixed = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    searching = is_search(config.hydra)
    arms: list[Mapping[str, str]] = []
    runs: list[Run] = []
    searched = {_key(o): None for o in swept}
    for combination in product(*(_choices(group) for group in groups)):
        starts = [f"{o.get_key_element()}={_first(o)}" for o in swept]
        composed = plain_config(loader.load_sweep_config(config, [*combination, *fixed, *starts]))
        tried = {_key(o): list(_values(o)) for o in swept}
        if searching:
            tried = _space_values(composed) | tried
            _check_searchable(composed)
        _check_values(composed, tried)
        arms.append({"regularizer": composed["regularizer"]["name"]})
        searched |= dict.fromkeys(tried)
        runs.append(read_run(composed))
    return Sweep(tuple(arms), tuple(searched), tuple(runs))


def _key(override: Override) -> str:
    return override.get_key_element().lstrip("+")


def _check_searchable(config: Mapping[str, Any]) -> None:
    if config["data"]["validation_size"] == 0:
        raise bad_value(
            "data.validation_size", 0, f"above 0 in a search, which judges by {config['objective']}"
        )


def _check_values(config: dict[str, Any], tried: Mapping[str, list[Any]]) -> None:
    for key, values in tried.items():
        for value in values:
            read_run(_replaced(config, key.split("."), value))


def _replaced(node: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {**node, key: _replaced(node[key], rest, value) if rest else value}


def _space_values(config: Mapping[str, Any]) -> dict[str, list[Any]]:
    parser = OverridesParser.create()
    values = {}
    for key, sweep in search_space(config).items():
        override = parser.parse_override(f"{key}={sweep}")
        if not override.is_sweep_override():
            group, _, name = key.rpartition(".")
            raise bad_value(
                f"{group}.search.{name}", sweep, "a range or choice, such as interval(0, 1)"
            )
        values[key] = list(_values(override))
    return values


def _choices(group: Override) -> list[str]:
    return [f"{group.get_key_element()}={choice}" for choice in group.sweep_string_iterator()]


def _first(override: Override) -> Any:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return value.start
    return next(iter(override.sweep_string_iterator()))


def _values(override: Override) -> Iterator[Any]:
    value = override.value()
    if isinstance(value, IntervalSweep):
        yield from (value.start, value.end)
        return
    for item in override.sweep_iterator(transformer=Transformer.identity):
        yield item.text if isinstance(item, QuotedString) else item
