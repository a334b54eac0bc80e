"""Plans of sweeps."""

import pytest
from composed import checked_sweep

from regsweep.compare.plan import read_plan
from regsweep.compare.space import count_trials, search_space_of


@pytest.fixture
def planned():
    """The plan and the spaces of a command line."""

    def plan(*overrides):
        config, sweep = checked_sweep(*overrides)
        sweeper = config.hydra.sweeper
        spaces = [search_space_of(arm) for arm in sweep.arms]
        trials = [
            count_trials(arm.name, space, sweeper.n_trials, sweeper.sampler)
            for arm, space in zip(sweep.arms, spaces, strict=True)
        ]
        return read_plan(config, sweep, trials), spaces

    return plan
