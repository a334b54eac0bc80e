"""What a search varies: the ``search`` nodes of the chosen config groups."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from regsweep.errors import InputError
from regsweep.sweep.internals import distributions_of

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from omegaconf import DictConfig
    from optuna import Trial
    from optuna.distributions import BaseDistribution


# Of a sweep, such as tag(log, or_null, interval(1e-6, 1e-2)): the key is null, or what it says.
OR_NULL = "or_null"


def may_be_null(override: "Override") -> bool:
    """Whether the sweep of ``override`` has the tag ``or_null``."""
    return OR_NULL in getattr(override.value(), "tags", ())


def search_space(config: Mapping[str, Any]) -> dict[str, str]:
    """Dotted key to sweep override, e.g. ``regularizer.weight`` to ``interval(0, 1)``.

    Every group of ``config`` may hold a ``search`` node; ``null`` and ``{}`` mean that nothing
    is searched.

    Raises:
        InputError: a searched key is not in its group.
    """
    space = {}
    for group, node in config.items():
        if not isinstance(node, Mapping):
            continue
        for key, sweep in (node.get("search") or {}).items():
            if key not in node:
                choice = f"{group}={node['name']}" if "name" in node else group
                raise InputError(f"{group}.search.{key}: {choice} has no key {key} to search")
            space[f"{group}.{key}"] = str(sweep)
    return space


def suggest(config: "DictConfig", trial: "Trial") -> None:
    """Give ``trial`` a value for each key that its own choices search.

    The ``custom_search_space`` of hydra-optuna-sweeper: ``config`` is the sweep's config, and
    ``trial`` already holds what the command line sweeps and fixes, which is left as it is.
    """
    from omegaconf import OmegaConf

    choices = config.hydra.runtime.choices
    settled = trial.user_attrs | trial.params
    chosen = [f"{key}={value}" for key, value in trial.params.items() if key in choices]
    task: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
    fixed = _fixed_overrides(tuple(task))
    space = _composed_space(config.hydra.job.config_name, (*fixed, *chosen))
    overrides = tuple(f"{key}={sweep}" for key, sweep in space.items() if key not in settled)
    for key, distribution in _distributions(overrides).items():
        suggest_one(trial, key, distribution)


def suggest_one(trial: "Trial", key: str, distribution: "BaseDistribution") -> None:
    """Give ``trial`` a value of ``distribution`` for ``key``."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    one = distribution
    if isinstance(one, CategoricalDistribution):
        trial.suggest_categorical(key, one.choices)
    elif isinstance(one, IntDistribution):
        trial.suggest_int(key, one.low, one.high, step=one.step, log=one.log)
    elif isinstance(one, FloatDistribution):
        trial.suggest_float(key, one.low, one.high, step=one.step, log=one.log)
    else:
        raise TypeError(f"{key}: {one}")


@cache
def _distributions(overrides: tuple[str, ...]) -> dict[str, "BaseDistribution"]:
    distributions, fixed = distributions_of(overrides)
    if fixed:
        raise InputError(f"{next(iter(fixed))}: its search node is one value, not a range")
    return distributions


@cache
def _fixed_overrides(arguments: tuple[str, ...]) -> list[str]:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(list(arguments))
    return [line for line, o in zip(arguments, parsed, strict=True) if not o.is_sweep_override()]


@cache
def _composed_space(config_name: str, overrides: tuple[str, ...]) -> dict[str, str]:
    from hydra import compose
    from omegaconf import OmegaConf

    composed = OmegaConf.to_container(compose(config_name, list(overrides)))
    assert isinstance(composed, dict)
    return search_space({str(key): value for key, value in composed.items()})
