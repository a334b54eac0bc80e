"""Whole commands within the process of the tests, whose workers stay for the next one."""

import logging
import sys
from contextlib import contextmanager

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.singleton import Singleton

from regsweep.cli.app import CONF, EXECUTION_WHITELIST, for_the_arms, with_default_arms
from regsweep.cli.nodes import register_nodes
from regsweep.jobs.task import task
from regsweep.packs.launcher import PackLauncher

_main = hydra.main(
    config_path=str(CONF),
    config_name="config",
    execution_whitelist=(*EXECUTION_WHITELIST, "noting.Noting"),
)(task)


@contextmanager
def _hydra_as_before():
    state = Singleton.get_state()
    handlers = logging.root.handlers[:]
    try:
        yield
    finally:
        GlobalHydra.instance().clear()
        Singleton.set_state(state)
        logging.root.handlers[:] = handlers


def multirun(monkeypatch, *arguments):
    """``regsweep -m ARGUMENTS``; what the launcher returned to the sweeper, round by round."""
    register_nodes()
    rounds = []
    launch = PackLauncher.launch

    def noting(self, job_overrides, initial_job_idx):
        rounds.append(launch(self, job_overrides, initial_job_idx))
        return rounds[-1]

    given = for_the_arms(with_default_arms(["-m", *arguments]))
    with monkeypatch.context() as patched, _hydra_as_before():
        patched.setattr(PackLauncher, "launch", noting)
        patched.setattr("regsweep.cli.callback.dismiss_all", lambda: None)
        patched.setattr(sys, "argv", ["regsweep", *given])
        patched.setenv("HYDRA_FULL_ERROR", "1")  # errors are raised, not printed
        try:
            _main()
        except Exception as error:
            error.rounds = rounds
            raise
    return rounds
