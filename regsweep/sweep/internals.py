"""What regsweep takes of Hydra and of its Optuna plugin that they do not call public.

There is no public way to any of it. Of OmegaConf's inside, ``regsweep.jobs.config_copy`` is the one
that knows. ``tests/sweep/test_internals.py`` names what would break.
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra._internal import hydra, utils
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeperConf

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = [
    "BASIC_SWEEPER",
    "PLUGIN",
    "BasicLauncher",
    "ConfigLoaderImpl",
    "command_options",
    "distributions_of",
    "load_configs_by",
]

BASIC_SWEEPER = BasicSweeperConf._target_
# Where the Optuna plugin logs, makes its samplers, and reads overrides.
PLUGIN = "hydra_plugins.hydra_optuna_sweeper._impl"


def load_configs_by(loader: type[ConfigLoaderImpl]) -> None:
    """Have Hydra's own command load configs by ``loader``; ``hydra.main`` takes none."""
    internals: Any = hydra
    assert issubclass(loader, internals.ConfigLoaderImpl)  # the name that Hydra reads
    internals.ConfigLoaderImpl = loader


def command_options() -> ArgumentParser:
    """The options of Hydra's command line."""
    return utils.get_args_parser()


def distributions_of(
    overrides: Sequence[str],
) -> tuple[dict[str, "BaseDistribution"], dict[str, Any]]:
    """What Optuna draws from for each override that sweeps a key, and the keys that are fixed."""
    from hydra_plugins.hydra_optuna_sweeper._impl import create_params_from_overrides

    distributions, fixed, _ = create_params_from_overrides(list(overrides))
    return distributions, fixed
