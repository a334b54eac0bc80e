"""What can be known before the first job of a sweep is checked before it."""

import re
from itertools import product
from math import prod
from os.path import normpath
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf

from regsweep.errors import InputError, bad_value
from regsweep.settings.checks import whole
from regsweep.settings.values import typed
from regsweep.sweep.address import check_storage
from regsweep.sweep.arms import (
    Arm,
    SweepOverrides,
    compose_arms,
    key_of,
    read_overrides,
    value_text,
)
from regsweep.sweep.guard import job_folder
from regsweep.sweep.kinds import BASIC, COMPARE, OPTUNA, is_search
from regsweep.sweep.search_space import OR_NULL, may_be_null
from regsweep.sweep.sweep import Sweep

# What Hydra calls the sources of configs that a command line names.
FROM_THE_COMMAND_LINE = ("command-line", "hydra.searchpath in command-line")
# Trials that differ in these are not comparable: what they are judged by differs.
NOT_SEARCHABLE = ("seed", "objective", "loss", "score", "data")


def check_sweep(config: DictConfig, loader: ConfigLoader) -> Sweep:
    """Compose every arm of the sweep ``config`` and check the values that it will try.

    Under ``compare`` an override of a key holds for the arms that have the key. ``loader`` is asked
    for the config of every job where their folders need it.

    Raises:
        InputError: a value is wrong, or a search cannot judge its trials.
        HydraException: an arm does not compose.
    """
    check_storage(config.hydra)
    given = read_overrides(config, loader)
    _check_sweeper(config.hydra, given.all_swept)
    _check_folders(config, loader, given)
    lenient = config.hydra.sweeper["_target_"] == COMPARE
    searching = is_search(config.hydra)
    arms = tuple(compose_arms(config, loader, given, searching=searching, lenient=lenient))
    if searching:
        for arm in arms:
            _check_searchable(config.hydra, arm)
    jobs, together = _jobs(config.hydra.sweeper, given)
    return Sweep(given.lines, arms, jobs, together, _search_path(config.hydra))


def _search_path(hydra: HydraConf) -> tuple[str, ...]:
    """The places of configs that the command line named, as ``hydra.searchpath`` takes them.

    Hydra looks into that of ``--config-dir`` first.
    """
    found = []
    for source in hydra.runtime.config_sources:
        if source.provider in FROM_THE_COMMAND_LINE:
            path = Path(source.path).absolute() if source.schema == "file" else source.path
            found.append(f"{source.schema}://{path}")
    return tuple(found)


def _jobs(sweeper: DictConfig, given: SweepOverrides) -> tuple[int | None, int | None]:
    """The number of jobs, and of those in a round."""
    if sweeper["_target_"] == OPTUNA:
        return sweeper.n_trials, min(sweeper.n_trials, sweeper.n_jobs)
    if sweeper["_target_"] != BASIC:
        return None, None
    jobs = prod(sum(1 for _ in override.sweep_iterator()) for override in given.all_swept)
    return jobs, min(jobs, sweeper.max_batch_size or jobs)


def _check_sweeper(hydra: HydraConf, swept: tuple[Override, ...]) -> None:
    if is_search(hydra):
        n_trials = hydra.sweeper.n_trials
        if not OmegaConf.is_dict(n_trials):  # which compare alone takes
            whole("hydra.sweeper.n_trials", typed("hydra.sweeper.n_trials", n_trials, int), low=1)
        whole("hydra.sweeper.n_jobs", hydra.sweeper.n_jobs, low=1)
        direction = getattr(hydra.sweeper.direction, "name", hydra.sweeper.direction)
        if direction != "minimize":
            raise bad_value("hydra.sweeper.direction", direction, "minimize: it is a loss")
    for override in swept:
        _check_swept(hydra, key_of(override), override)


def _check_folders(config: DictConfig, loader: ConfigLoader, given: SweepOverrides) -> None:
    """Refuse a sweep of which two jobs would work in one folder."""
    hydra = config.hydra
    expected = "a name that differs between jobs, such as ${hydra.job.num}"
    text: Any = OmegaConf.to_container(hydra.sweep, resolve=False)
    if re.search(r"job\.(num|id)\b", text["subdir"]):
        return
    if "${" not in text["subdir"] or hydra.sweeper["_target_"] == OPTUNA:
        # A search may try the same values twice.
        raise bad_value("hydra.sweep.subdir", text["subdir"], expected)
    if hydra.sweeper["_target_"] != BASIC:
        return
    folders = set[str]()
    fixed = [str(o.input_line) for o in given.fixed]
    swept = [
        [f"{o.get_key_element()}={value}" for value in o.sweep_string_iterator()]
        for o in given.all_swept
    ]
    for choice in product(*swept):
        folder = normpath(job_folder(loader.load_sweep_config(config, [*fixed, *choice])))
        if folder in folders:
            raise bad_value("hydra.sweep.subdir", text["subdir"], f"{expected}: two are {folder}")
        folders.add(folder)


def _check_swept(hydra: HydraConf, key: str, override: Override) -> None:
    if is_search(hydra) and key.partition(".")[0] in NOT_SEARCHABLE:
        replicates = "; hydra.sweeper.replicates=2 runs each trial on two seeds"
        more = replicates if hydra.sweeper["_target_"] == COMPARE and key == "seed" else ""
        raise InputError(
            f"{override.input_line}: a search compares trials on one {key}; give it one value{more}"
        )
    if hydra.sweeper["_target_"] == COMPARE:
        _refuse_shuffled(key, value_text(override))
    if ".search." in key:
        shorter = key.replace(".search.", ".")
        raise InputError(
            f"{override.input_line}: a search node holds text: quote the value, or sweep {shorter}"
        )
    _refuse_or_null(hydra, override)
    if isinstance(override.value(), IntervalSweep) and hydra.sweeper["_target_"] == BASIC:
        raise InputError(
            f"{override.input_line}: hydra/sweeper=basic takes no intervals; "
            "give a list of values, or take hydra/sweeper=optuna"
        )


def _refuse_or_null(hydra: HydraConf, override: Override) -> None:
    """Refuse a key that is null or else searched, which the stock sweepers know nothing of."""
    if may_be_null(override) and hydra.sweeper["_target_"] != COMPARE:
        raise InputError(
            f"{override.input_line}: hydra/sweeper=compare alone tries null beside what is "
            f"searched; take it, or leave out {OR_NULL}"
        )


def _refuse_shuffled(key: str, sweep: str) -> None:
    """Refuse a list whose order is another one whenever it is read, and with it all suggestions."""
    if re.search(r"\bshuffle\(", sweep):
        raise bad_value(key, sweep, "a list in one order, as a comparison can be gone on with")


def _check_searchable(hydra: HydraConf, arm: Arm) -> None:
    if arm.config.get("data.validation_size") == 0:
        raise bad_value(
            "data.validation_size",
            0,
            f"above 0 in a search, which judges by {arm.config['objective']}",
        )
    if hydra.sweeper.sampler["_target_"].endswith(".raise_motpe_removed"):
        raise InputError(
            "hydra/sweeper/sampler=motpe: Optuna has it no longer; take hydra/sweeper/sampler=tpe"
        )
    sampler = str(hydra.sweeper.sampler["_target_"])
    if sampler.endswith(".BruteForceSampler") and hydra.sweeper["_target_"] == COMPARE:
        raise bad_value(
            "hydra.sweeper.sampler._target_",
            sampler,
            "one that needs no end of its own; hydra/sweeper/sampler=grid tries every point",
        )
    grid = sampler.endswith(".GridSampler")
    parser = OverridesParser.create()
    for key, sweep in arm.space.items():
        _refuse_or_null(hydra, parser.parse_override(f"{key}={sweep}"))
        if hydra.sweeper["_target_"] == COMPARE:
            _refuse_shuffled(key, sweep)
        if key.partition(".")[0] in NOT_SEARCHABLE:
            raise InputError(f"{key}={sweep}: a search compares trials on one {key}; leave it out")
        if "log" in sweep and re.search(r"\btag\(.*\blog\b.*\b(range|choice)\(", sweep):
            raise InputError(
                f"{key}={sweep}: a log scale is that of an interval, such as "
                "tag(log, interval(1e-6, 1e-2)); what is listed is drawn evenly"
            )
        if grid and "interval(" in sweep:
            raise InputError(f"{key}={sweep}: a grid needs a list of values, such as {key}=0.1,1")
