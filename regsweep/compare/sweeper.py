"""``hydra/sweeper=compare``: every arm gets the same search, and its winner is tested."""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.errors import CompactHydraException
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from hydra_plugins.hydra_optuna_sweeper.config import OptunaSweeperConf
from omegaconf import DictConfig

from regsweep.jobs.task import task
from regsweep.sweep.kinds import COMPARE


@dataclass
class CompareSweeperConf(OptunaSweeperConf):
    """The fields of hydra-optuna-sweeper, and what a comparison needs beside them."""

    _target_: str = COMPARE
    n_trials: Any = 20  # of each arm; or a mapping by arm
    n_jobs: int = 16  # trials a round
    max_failure_rate: float = 1.0  # of all trials
    replicates: int = 1  # runs of different seeds that make a trial
    finalists: int = 1  # an arm's best trials that are run again before one of them wins
    finalist_seeds: int = 5  # so many seeds more for each of several finalists
    confirm_seeds: int = 10  # fresh seeds on which each arm's winner is trained again and tested
    max_confirm_seeds: int = 40  # so many where the first ones do not decide, doubled look by look
    confirm_from: int | None = None  # the first of these seeds; None: the sweep's + 10000
    resample: str = "seeds"  # rows: each confirm seed also draws its training and validation rows
    margin: float | None = 0.01  # the share of the baseline's mean below which nothing matters
    sparsest: bool | None = None  # whether each arm's sparsest trial is confirmed too
    ablate: bool = False  # whether each ingredient is taken out of a cocktail's winner
    accept_changes: bool = False  # go on with data or a study file of another content
    baseline: Any = None  # the arm that the others are compared with


ConfigStore.instance().store(
    group="hydra/sweeper", name="compare", node=CompareSweeperConf, provider="regsweep"
)


class CompareSweeper(Sweeper):
    """Compares the arms of a sweep: comma-separated choices of config groups.

    Its settings are read from the config, all at once, when the sweep starts.
    """

    def __init__(self, **settings: Any) -> None:
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.launcher: Launcher | None = None

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take the config of the sweep, and the launcher that it names.

        Raises:
            CompactHydraException: the application is another than regsweep.
        """
        if task_function is not task:
            raise CompactHydraException(
                "hydra/sweeper=compare: compares the runs of regsweep alone; take "
                "hydra/sweeper=optuna or basic here, or start it as: python -m regsweep -m"
            )
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Search, confirm, report; ``arguments`` are in the config too."""
        from regsweep.compare.sweep import run_sweep  # loads Optuna and pandas

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        run_sweep(self.config, self.hydra_context, self.launcher)
