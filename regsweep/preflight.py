"""What can be known before the first job of a sweep is checked before it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod
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
from omegaconf import DictConfig, OmegaConf

from regsweep.config import read_run
from regsweep.errors import InputError, bad_value
from regsweep.search_space import search_space
from regsweep.spec.checks import whole
from regsweep.spec.run import Run

OPTUNA = "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper"
BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
# Trials that differ in these are not comparable: what they are judged by differs.
NOT_SEARCHABLE = ("seed", "objective", "data")
# Of a longer range, and of more combinations, only the first are tried.
MOST_VALUES = 1_000


@dataclass(frozen=True)
class Sweep:
    """What a sweep will do: the choices it compares, the keys it varies, and runs that it may try.

    ``jobs`` is the number of its jobs, ``round`` the most that the sweeper hands over at once;
    ``None`` under a sweeper that decides for itself.
    """

    arms: tuple[Mapping[str, str], ...]
    searched: tuple[str, ...]
    runs: tuple[Run, ...]
    jobs: int | None
    round: int | None


def plain_config(config: DictConfig) -> dict[str, Any]:
    """The job's part of a composed config, resolved, as plain dicts and lists."""
    return {str(key): _plain(config, key) for key in config if key != "hydra"}


def _plain(config: DictConfig, key: Any) -> Any:
    value = config[key]  # a missing value raises
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def is_search(hydra: HydraConf) -> bool:
    """Whether the jobs of this sweep are trials of a search rather than runs for their own sake."""
    return bool(hydra.sweeper["_target_"] == OPTUNA)


def check_sweep(config: DictConfig, loader: ConfigLoader) -> Sweep:
    """Compose every arm of the sweep ``config`` and check the values that it will try.

    Each arm is composed once, with the first value of every swept key; the other values (of an
    interval, its two ends) are put in their place, in every combination.

    Raises:
        InputError: a value is wrong, or a search cannot judge its trials.
        HydraException: an arm does not compose.
    """
    overrides = _overrides(config, loader)
    choices = config.hydra.runtime.choices
    fixed = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    groups = [o for o in overrides if o.is_sweep_override() and o.key_or_group in choices]
    swept = [o for o in overrides if o.is_sweep_override() and o.key_or_group not in choices]
    tried = {_key(o): _values(o) for o in swept}
    settled = {_key(o) for o in overrides}
    searching = is_search(config.hydra)
    _check_sweeper(config.hydra, groups + swept)
    arms: list[Mapping[str, str]] = []
    runs: list[Run] = []
    searched = dict.fromkeys(tried)
    for combination in product(*(_choices(group) for group in groups)):
        starts = [f"{_key(o)}={_first(o)}" for o in swept]
        composed = plain_config(loader.load_sweep_config(config, [*combination, *fixed, *starts]))
        space = _space_values(config.hydra, composed, settled) if searching else {}
        if searching:
            _check_searchable(composed)
        runs += _runs(composed, space | tried)
        arms.append({"regularizer": composed["regularizer"]["name"]})
        searched |= dict.fromkeys(space)
    jobs, together = _jobs(config.hydra.sweeper, groups + swept)
    return Sweep(tuple(arms), tuple(searched), tuple(runs), jobs, together)


def _jobs(sweeper: DictConfig, swept: list[Override]) -> tuple[int | None, int | None]:
    """The number of jobs, and of those in a round."""
    if sweeper["_target_"] == OPTUNA:
        return sweeper.n_trials, min(sweeper.n_trials, sweeper.n_jobs)
    if sweeper["_target_"] != BASIC:
        return None, None
    jobs = prod(sum(1 for _ in override.sweep_iterator()) for override in swept)
    return jobs, min(jobs, sweeper.max_batch_size or jobs)


def _overrides(config: DictConfig, loader: ConfigLoader) -> list[Override]:
    """The sweeper's own ``params`` and the command line, which goes before them."""
    params = config.hydra.sweeper.get("params") or {}
    lines = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(lines)
    return list({_key(override): override for override in parsed}.values())


def _check_sweeper(hydra: HydraConf, swept: list[Override]) -> None:
    if is_search(hydra):
        whole("hydra.sweeper.n_trials", hydra.sweeper.n_trials, low=1)
        whole("hydra.sweeper.n_jobs", hydra.sweeper.n_jobs, low=1)
        direction = getattr(hydra.sweeper.direction, "name", hydra.sweeper.direction)
        if direction != "minimize":
            raise bad_value("hydra.sweeper.direction", direction, "minimize: it is a loss")
    constant = "${" not in str(OmegaConf.to_container(hydra.sweep, resolve=False)["subdir"])  # type: ignore[call-overload,index]
    if constant:
        expected = "a name that differs between jobs, such as ${hydra.job.num}"
        raise bad_value("hydra.sweep.subdir", hydra.sweep.subdir, expected)
    for override in swept:
        _check_swept(hydra, _key(override), override)


def _check_swept(hydra: HydraConf, key: str, override: Override) -> None:
    if is_search(hydra) and key.partition(".")[0] in NOT_SEARCHABLE:
        raise InputError(
            f"{override.input_line}: a search compares trials on one {key}; give it one value"
        )
    if ".search." in key:
        shorter = key.replace(".search.", ".")
        raise InputError(
            f"{override.input_line}: a search node holds text: quote the value, or sweep {shorter}"
        )
    if isinstance(override.value(), IntervalSweep) and hydra.sweeper["_target_"] == BASIC:
        raise InputError(
            f"{override.input_line}: hydra/sweeper=basic takes no intervals; "
            "give a list of values, or take hydra/sweeper=optuna"
        )


def _check_searchable(config: Mapping[str, Any]) -> None:
    if config["data"]["validation_size"] == 0:
        raise bad_value(
            "data.validation_size", 0, f"above 0 in a search, which judges by {config['objective']}"
        )


def _runs(config: dict[str, Any], tried: Mapping[str, list[Any]]) -> Iterator[Run]:
    """A run of each combination of values, checked."""
    for values in islice(product(*tried.values()), MOST_VALUES):
        changed = config
        for key, value in zip(tried, values, strict=True):
            changed = _replaced(changed, key.split("."), value)
        yield read_run(changed)


def _replaced(node: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    key, *rest = path
    return {**node, key: _replaced(node[key], rest, value) if rest else value}


def _space_values(
    hydra: HydraConf, config: Mapping[str, Any], settled: set[str]
) -> dict[str, list[Any]]:
    """The values of the arm's ``search`` nodes, but for keys that are ``settled`` already."""
    parser = OverridesParser.create()
    values = {}
    for key, sweep in search_space(config).items():
        if key in settled:
            continue
        override = parser.parse_override(f"{key}={sweep}")
        if not override.is_sweep_override():
            group, _, name = key.rpartition(".")
            expected = "a range or choice, such as interval(0, 1)"
            raise bad_value(f"{group}.search.{name}", sweep, expected)
        if str(hydra.sweeper.sampler["_target_"]).endswith(".GridSampler"):
            raise InputError(f"{key}={sweep}: a grid needs a list of values, such as {key}=0.1,1")
        values[key] = _values(override)
    return values


def _key(override: Override) -> str:
    return override.get_key_element().lstrip("+~")


def _choices(group: Override) -> list[str]:
    return [f"{group.get_key_element()}={choice}" for choice in group.sweep_string_iterator()]


def _first(override: Override) -> str:
    value = override.value()
    if isinstance(value, IntervalSweep):
        return str(value.start)
    return next(iter(override.sweep_string_iterator()))


def _values(override: Override) -> list[Any]:
    """What ``override`` may try: the ends of an interval, the (first) values of a list or range."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        _check_interval(override, value)
        return [value.start, value.end]
    return list(islice(_items(override), MOST_VALUES))


def _items(override: Override) -> Iterator[Any]:
    for item in override.sweep_iterator(transformer=Transformer.identity):
        yield item.text if isinstance(item, QuotedString) else item


def _check_interval(override: Override, interval: IntervalSweep) -> None:
    low, high = interval.start, interval.end
    if low is None or high is None or low > high:
        raise InputError(f"{override.input_line}: expected an interval from low to high")
    if "log" in interval.tags and low <= 0:
        raise InputError(f"{override.input_line}: expected an interval above 0 on a log scale")
