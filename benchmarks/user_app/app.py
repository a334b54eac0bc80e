"""``python -m benchmarks.user_app.app -m hydra.sweeper.n_trials=16 batch_size=10``."""

from pathlib import Path

import hydra
from omegaconf import DictConfig

CONF = Path(__file__).parent / "conf"


@hydra.main(
    config_path=str(CONF),
    config_name="config",
    execution_whitelist=("optuna.samplers.*", "hydra_plugins.*"),
)
def main(config: DictConfig) -> float:
    """One trial."""
    from benchmarks.user_app.training import train

    return train(**{str(key): value for key, value in config.items()})


if __name__ == "__main__":
    main()
