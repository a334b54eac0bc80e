"""What is taken of Hydra's inside is what Hydra itself uses; a rename would show here."""

import logging

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from hydra_plugins.hydra_optuna_sweeper import _impl
from hydra_plugins.hydra_optuna_sweeper.optuna_sweeper import OptunaSweeper
from optuna.distributions import CategoricalDistribution, FloatDistribution

from regsweep.cli.app import CONF
from regsweep.cli.nodes import register_nodes
from regsweep.compare.sweeper import CompareSweeper
from regsweep.packs.launcher import PackLauncher
from regsweep.sweep import internals, kinds
from regsweep.sweep.packing import PACK_LAUNCHER

register_nodes()


def named(found):
    return f"{found.__module__}.{found.__qualname__}"


def test_the_sweepers_are_those_that_their_choices_name():
    with initialize_config_dir(str(CONF)):
        loader = GlobalHydra.instance().config_loader()
        targets = {
            choice: loader.load_configuration(
                "config", [f"hydra/sweeper={choice}"], RunMode.MULTIRUN
            ).hydra.sweeper["_target_"]
            for choice in ("basic", "optuna", "compare")
        }

    assert targets == {"basic": kinds.BASIC, "optuna": kinds.OPTUNA, "compare": kinds.COMPARE}


def test_names_of_classes_are_those_of_the_classes():
    assert named(CompareSweeper) == kinds.COMPARE
    assert named(OptunaSweeper) == kinds.OPTUNA
    assert named(PackLauncher) == PACK_LAUNCHER
    assert {found.__name__ for found in Plugins.instance().discover()} >= {"BasicSweeper"}


def test_the_plugin_logs_and_samples_under_its_name():
    assert _impl.__name__ == internals.PLUGIN
    assert _impl.log is logging.getLogger(internals.PLUGIN)
    assert callable(_impl.create_nsgaii_sampler)
    assert callable(_impl.create_nsgaiii_sampler)


def test_hydra_loads_configs_by_the_loader_that_it_is_given(monkeypatch):
    class Loader(internals.ConfigLoaderImpl): ...

    monkeypatch.setattr(internals.hydra, "ConfigLoaderImpl", internals.hydra.ConfigLoaderImpl)
    internals.load_configs_by(Loader)

    with initialize_config_dir(str(CONF)):
        assert isinstance(GlobalHydra.instance().config_loader(), Loader)


def test_overrides_are_read_as_the_stock_sweeper_reads_them():
    searched, fixed = internals.distributions_of(
        ["a=tag(log, interval(1e-6, 1e-2))", "b=1,2", "c=3"]
    )

    assert searched == {
        "a": FloatDistribution(1e-6, 1e-2, log=True),
        "b": CategoricalDistribution([1, 2]),
    }
    assert fixed == {"c": "3"}


def test_the_options_are_hydras():
    options = internals.command_options().parse_args(["-m", "--config-dir", "x", "a=1"])

    assert (options.multirun, options.config_dir, options.overrides) == (True, "x", ["a=1"])
