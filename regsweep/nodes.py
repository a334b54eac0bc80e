"""Config nodes of hydra-optuna-sweeper under the names that ``conf/hydra/sweeper`` builds on.

A YAML with the name of a plugin's own node shadows it, so it lists that node as ``base_*``.
"""

from hydra.core.config_store import ConfigStore
from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf, TPESamplerConfig

PROVIDER = "regsweep"


def register_nodes() -> None:
    """Put the nodes into Hydra's config store; a second call changes nothing."""
    store = ConfigStore.instance()
    store.store("base_optuna", OptunaSweeperConf, group="hydra/sweeper", provider=PROVIDER)
    store.store("base_tpe", TPESamplerConfig, group="hydra/sweeper/sampler", provider=PROVIDER)
