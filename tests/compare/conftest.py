"""Plans of sweeps, composed from conf/ as the command line does."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from regsweep.app import CONF
from regsweep.compare.plan import read_plan
from regsweep.compare.studies import count_trials, search_space_of
from regsweep.nodes import register_nodes
from regsweep.preflight import check_sweep


@pytest.fixture
def planned():
    """The plan and the spaces of a command line."""

    def plan(*overrides):
        register_nodes()
        with initialize_config_dir(str(CONF)):
            hydra = GlobalHydra.instance().hydra
            config = hydra.compose_config(
                "config",
                [*overrides, "hydra.mode=MULTIRUN", "hydra.sweep.dir=unused"],
                run_mode=RunMode.MULTIRUN,
                with_log_configuration=False,
            )
            sweep = check_sweep(config, GlobalHydra.instance().config_loader())
        sweeper = config.hydra.sweeper
        spaces = [search_space_of(arm) for arm in sweep.arms]
        trials = [count_trials(space, sweeper.n_trials, sweeper.sampler) for space in spaces]
        return read_plan(config, sweep, trials), spaces

    return plan
