"""What Hydra is told of: launcher, sweeper, and the nodes that ``conf/hydra/sweeper`` builds on.

A YAML with the name of a plugin's own node shadows it, so it lists that node as ``base_*``.
"""

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf, TPESamplerConfig

from regsweep.compare.sweeper import CompareSweeper, CompareSweeperConf
from regsweep.packs.launcher import PackLauncher
from regsweep.settings.own import FUNCTIONS
from regsweep.settings.study import node_of


def register_nodes() -> None:
    """Register launcher, sweeper, nodes and a study's choices; a second call changes nothing."""
    for group, name, node in (
        ("hydra/sweeper", "base_optuna", OptunaSweeperConf),
        ("hydra/sweeper", "base_compare", CompareSweeperConf),
        ("hydra/sweeper/sampler", "base_tpe", TPESamplerConfig),
    ):
        ConfigStore.instance().store(name, node, group=group, provider="regsweep", replace=True)
    for group, functions in FUNCTIONS.items():
        for name in functions:
            own = node_of(group, name)
            ConfigStore.instance().store(name, own, group=group, provider="study", replace=True)
    Plugins.instance().register(PackLauncher)
    Plugins.instance().register(CompareSweeper)
