"""Plans of sweeps."""

import optuna
import pytest
from composed import checked_sweep

from regsweep.compare.plan import read_plan
from regsweep.compare.space import count_trials, search_space_of
from regsweep.compare.trials import trials_asked


@pytest.fixture
def planned():
    """The plan and the spaces of a command line."""

    def plan(*overrides):
        config, sweep = checked_sweep(*overrides)
        sweeper = config.hydra.sweeper
        spaces = [search_space_of(arm) for arm in sweep.arms]
        trials = [
            count_trials(arm.name, space, asked, sweeper.sampler)
            for arm, space, asked in zip(
                sweep.arms, spaces, trials_asked(sweeper.n_trials, sweep.arms), strict=True
            )
        ]
        return read_plan(config, sweep, trials), spaces

    return plan


@pytest.fixture
def quiet_optuna():
    """Optuna says of no trial that it is asked or told."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)
