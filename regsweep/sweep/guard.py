"""What every config passes before it is used: it runs what is trusted, and stays in its folder."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf, open_dict, read_write

from regsweep.errors import InputError, bad_value
from regsweep.records.folder import read_folder
from regsweep.sweep.internals import ConfigLoaderImpl, load_configs_by
from regsweep.sweep.trust import CALLBACK, refuse_untrusted

# Completes the overrides of a sweep; then what its config varies itself is known.
OfASweep = Callable[..., list[str]]

# What a job is told when it starts; until then, what its folder may be called after.
_UNTOLD = {"job.num": 0, "job.id": "0"}


class GuardedLoader(ConfigLoaderImpl):
    """Hydra's loader, which checks the configs of runs, sweeps and their jobs.

    A callback would be too late: Hydra sets its own logging up before, and a config can leave a
    callback out. ``trusted`` is set before a loader is made, and so is ``of_a_sweep``, which
    completes a sweep's overrides: whatever asks for the sweep, it comes by here.
    """

    trusted: tuple[str, ...] = ()
    of_a_sweep: OfASweep = staticmethod(lambda overrides, params=(): overrides)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trusted = self.trusted  # its own: the class in a worker knows none

    def _load_configuration(self, *args: Any, **asked: Any) -> DictConfig:
        given = asked["overrides"]
        begins_sweep = asked["activate_config_repository"] and asked["run_mode"] == RunMode.MULTIRUN
        if begins_sweep:
            asked |= {"overrides": self.of_a_sweep(given), "parsed_overrides": None}
        config = super()._load_configuration(*args, **asked)
        if begins_sweep and (params := config.hydra.sweeper.get("params")):
            asked["overrides"] = self.of_a_sweep(given, params)
            config = super()._load_configuration(*args, **asked)
        said = config.hydra.overrides
        if len(said.hydra) + len(said.task) != len(asked["overrides"]):
            raise InputError("hydra.overrides: what Hydra writes of the command line; leave it out")
        if asked["activate_config_repository"]:  # it is to be run, not to be shown
            guard_command(config, asked["run_mode"], self.trusted)
        return config

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """The config of a job, in the folder of its sweep whatever its own choices say."""
        config = super().load_sweep_config(master_config, sweep_overrides)
        _set(config, "sweep.dir", master_config.hydra.sweep.dir)
        guard_job(config, self.trusted)
        return config


def guard_hydra(trusted: tuple[str, ...], of_a_sweep: OfASweep) -> None:
    """Have Hydra's own command load configs by a ``GuardedLoader``; ``hydra.main`` takes none."""
    load_configs_by(GuardedLoader)
    GuardedLoader.trusted, GuardedLoader.of_a_sweep = trusted, staticmethod(of_a_sweep)


def guard_command(config: DictConfig, mode: RunMode, trusted: tuple[str, ...]) -> None:
    """Check the config of a run or a sweep, and settle what its folder is called.

    Raises:
        InputError: it names what is not trusted, or leads out of its folder.
    """
    if OmegaConf.select(config, "hydra.callbacks.regsweep") != {"_target_": CALLBACK}:
        raise InputError(f"hydra.callbacks.regsweep: expected _target_: {CALLBACK}; leave it as is")
    key = "run.dir" if mode == RunMode.RUN else "sweep.dir"
    with _in_use(config):
        folder = read_folder(f"hydra.{key}", OmegaConf.select(config.hydra, key))
        _set(config, key, str(folder))
        # Which launcher and sweeper: Hydra knows its plugins. What they are made of, it does not.
        plugins = {
            part: {k: v for k, v in node.items() if k != "_target_"}
            for part, node in _resolved(config, "launcher", "sweeper").items()
        }
        own = _resolved(config, "callbacks", "hydra_logging")
        refuse_untrusted({**own, **plugins}, trusted)
        _refuse_log_files(config, {"hydra_logging": own["hydra_logging"]}, folder)
        if mode == RunMode.RUN:
            _guard_job(config, folder, trusted)


def guard_job(config: DictConfig, trusted: tuple[str, ...]) -> None:
    """Check the config of a sweep's job, as ``guard_command`` does that of a run."""
    subdir = job_folder(config)
    first = os.path.normpath(subdir).split(os.sep)[0]
    if first in ("", os.curdir, os.pardir):  # an absolute path begins with nothing
        raise bad_value("hydra.sweep.subdir", subdir, "a folder below hydra.sweep.dir")
    with _in_use(config):
        _guard_job(config, Path(config.hydra.sweep.dir, subdir), trusted)


def job_folder(config: DictConfig) -> str:
    """The folder of a job in that of its sweep, as if it were the sweep's first."""
    with _in_use(config):
        return str(config.hydra.sweep.subdir)


def _guard_job(config: DictConfig, folder: Path, trusted: tuple[str, ...]) -> None:
    """Check what the job of ``config`` runs, and where it writes, which is ``folder``."""
    own = config.hydra
    name = str(own.job.name)
    if os.sep in name or name in ("", os.curdir, os.pardir):
        raise bad_value("hydra.job.name", name, "a file name, of which the log gets its own")
    inside = own.output_subdir
    if inside is not None and not _lies_in(folder, folder / inside, config):
        raise bad_value("hydra.output_subdir", inside, "null, or a folder below the run's")
    _set(config, "runtime.output_dir", str(Path(own.runtime.cwd, folder)))
    logging = _resolved(config, "job_logging")
    refuse_untrusted(logging, trusted)
    _refuse_log_files(config, logging, folder)
    _refuse_environment(own)


def _refuse_log_files(config: DictConfig, logging: Any, folder: Path) -> None:
    """Refuse log files outside of ``folder``, and attributes of handlers, which could name some."""
    for key, value in _entries(logging):
        name = str(key[-1])
        dotted = ".".join(["hydra", *map(str, key)])
        if name == ".":
            raise InputError(f"{dotted}: sets attributes; leave it out")
        if name == "filename" and not _lies_in(folder, Path(str(value)), config):
            raise bad_value(dotted, value, f"a file in {folder}")


def _refuse_environment(own: DictConfig) -> None:
    """Refuse the environment variables that a config sets: they name programs to run."""
    given = {str(line).lstrip("+").partition("=")[0] for line in own.overrides.hydra}
    for name in own.job.env_set:
        keys = {"hydra.job.env_set", f"hydra.job.env_set.{name}"}
        if name not in own.job.env_copy and not given & keys:
            raise InputError(
                f"hydra.job.env_set.{name}: a config may not set the environment, which names "
                "programs to run; give it on the command line"
            )


def _entries(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield (*path, key), value
            yield from _entries(value, (*path, key))


def _lies_in(folder: Path, path: Path, config: DictConfig) -> bool:
    """Whether ``path`` is in ``folder``; relative ones start where the command was given."""
    # Links resolved: one that is there already may lead out.
    outer, inner = (Path(config.hydra.runtime.cwd, one).resolve() for one in (folder, path))
    return inner.is_relative_to(outer)


def _resolved(config: DictConfig, *parts: str) -> dict[str, Any]:
    """Parts of Hydra's config as plain values."""
    return {
        part: OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else {}
        for part in parts
        for node in [config.hydra[part]]
    }


@contextmanager
def _in_use(config: DictConfig) -> Iterator[None]:
    """``config`` as a job has it, for as long as it is looked at."""
    current: Any = HydraConfig.instance()
    before, current.cfg = current.cfg, config  # what ${hydra:...} reads
    missing = [key for key in _UNTOLD if OmegaConf.is_missing(*_node(config, key))]
    for key in missing:
        _set(config, key, _UNTOLD[key])
    try:
        yield
    finally:
        current.cfg = before
        for key in [*missing, "runtime.output_dir"]:
            _set(config, key, MISSING)


def _node(config: DictConfig, key: str) -> tuple[DictConfig, str]:
    """The node of Hydra's config that holds the dotted ``key``, and the key in it."""
    parent, _, name = key.rpartition(".")
    return config.hydra[parent], name


def _set(config: DictConfig, key: str, value: Any) -> None:
    node, name = _node(config, key)
    with read_write(node), open_dict(node):
        node[name] = value
