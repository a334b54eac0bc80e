"""Sweeps composed from conf/ as the command line does it, without a process."""

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.sweep.preflight import check_sweep


def checked_sweep(*overrides):
    """The config and the checked sweep of a command line."""
    register_nodes()
    with initialize_config_dir(str(CONF)):
        hydra = GlobalHydra.instance().hydra
        config = hydra.compose_config(
            "config",
            [*overrides, "hydra.mode=MULTIRUN", "hydra.sweep.dir=unused"],
            run_mode=RunMode.MULTIRUN,
            with_log_configuration=False,
        )
        return config, check_sweep(config, GlobalHydra.instance().config_loader())
