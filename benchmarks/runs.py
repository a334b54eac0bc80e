"""Runs as the command line composes them, for the benchmarks that call ``train_pack``."""

from hydra import compose, initialize_config_dir

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.settings.config import read_run
from regsweep.settings.plain_config import plain_config
from regsweep.settings.run import Run


def compose_run(*overrides: str) -> Run:
    """The run that ``python -m regsweep OVERRIDES`` would train."""
    register_nodes()
    with initialize_config_dir(config_dir=str(CONF)):
        return read_run(plain_config(compose("config", list(overrides))))
