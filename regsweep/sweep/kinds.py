"""The sweepers that regsweep knows, and which of them search."""

from hydra.conf import HydraConf
from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf

from regsweep.sweep.internals import BASIC_SWEEPER

COMPARE = "regsweep.compare.sweeper.CompareSweeper"
OPTUNA = OptunaSweeperConf._target_
BASIC = BASIC_SWEEPER


def is_search(hydra: HydraConf) -> bool:
    """Whether the jobs of this sweep are trials of a search rather than runs for their own sake."""
    return hydra.sweeper["_target_"] in (OPTUNA, COMPARE)


def is_compare(hydra: HydraConf) -> bool:
    """Whether ``hydra/sweeper=compare`` is at work."""
    return bool(hydra.sweeper["_target_"] == COMPARE)
