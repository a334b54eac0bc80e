"""What regsweep does around Hydra's own work: checks before it, tables after it."""

import logging
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from regsweep import called
from regsweep.errors import InputError
from regsweep.jobs.compose import ComposedOnce
from regsweep.jobs.environment import package_versions
from regsweep.jobs.messages import explain
from regsweep.packs.engines.choice import dismiss_all, reached, runner_of
from regsweep.records import sweep_file
from regsweep.records.folder import hold
from regsweep.records.record import RUN_FILES, refuse_used, refuse_used_under
from regsweep.settings.config import read_run
from regsweep.settings.plain_config import plain_config
from regsweep.sweep.address import refuse_password, without_passwords
from regsweep.sweep.internals import PLUGIN
from regsweep.sweep.kinds import is_compare
from regsweep.sweep.machine import check_machine, tell
from regsweep.sweep.packing import trains_here
from regsweep.sweep.preflight import check_sweep
from regsweep.sweep.settle import settle
from regsweep.sweep.sweep import sweep_file_of

log = logging.getLogger(__name__)


class RegsweepCallback(Callback):
    """Refuse bad input before any folder is made; gather the records when a sweep ends.

    Hydra turns the exceptions of a callback into warnings, so a refusal leaves by
    ``SystemExit`` with its message: exit code 1, one message on standard error.
    """

    def __init__(self) -> None:
        self.sweeping = False
        self.held = ExitStack()
        weakref.finalize(self, self.held.close)  # of a command that fails, it is let go of too

    def __reduce__(self) -> Any:
        """A worker's own is new: the folder is held by the process that leads the sweep."""
        return RegsweepCallback, ()

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check the run, its folder and its data."""
        with _refusing():
            refuse_password(config.hydra)
            run = read_run(plain_config(config)).at(Path.cwd())
            directory = Path(config.hydra.run.dir)
            refuse_used(directory)
            check_machine([run])
            hydra = config.hydra
            files = [*RUN_FILES, f"{hydra.job.name}.log", *filter(None, [hydra.output_subdir])]
            self.held.enter_context(hold("hydra.run.dir", directory, files))
            refuse_used(directory)  # by a run that ended meanwhile
            tell([run])

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Let go of the folder."""
        self.held.close()

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Check every arm, its folder and its data, then write ``sweep.json``.

        The compare sweeper does so itself: its folder may hold a sweep that it goes on with.
        """
        if is_compare(config.hydra):
            return
        with _refusing():
            directory = Path(config.hydra.sweep.dir)
            _refuse_sweeps(directory)
            sweep = check_sweep(config, ComposedOnce(GlobalHydra.instance().config_loader()))
            # The stock sweeper tells the address of its storage.
            logging.getLogger(PLUGIN).addFilter(_hide_passwords)
            check_machine(sweep.runs, train_here=trains_here(config.hydra.launcher))
            packing = reached(config.hydra.launcher, sweep.runs)
            self.held.enter_context(hold("hydra.sweep.dir", directory))
            _refuse_sweeps(directory)  # by a sweep that ended meanwhile
            tell(sweep.runs)
            settled, why = settle(
                sweep.runs,
                sweep.jobs,
                sweep.round,
                packing,
                sweep.unlisted,
                runner_of(packing),
            )
            log.info(why)
            asked = sweep_file_of(sweep, config, settled, package_versions())
            sweep_file.write(asked, directory)
        self.sweeping = True

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write the tables and show them, also when the sweep was cut short."""
        with self.held:
            dismiss_all()
            if not self.sweeping:
                return
            from regsweep.report.aggregate import gather_and_show

            try:
                gather_and_show([Path(config.hydra.sweep.dir)], command=called.command())
            except InputError as error:
                log.error("%s", error)


def _refuse_sweeps(directory: Path) -> None:
    """Refuse a folder in which runs were made, or a sweep that is gone on with otherwise."""
    refuse_used_under(directory)
    if sweep_file.belongs_to_compare(directory):
        raise InputError(
            f"{directory}: a sweep of hydra/sweeper=compare was begun here; choose another"
        )


def _hide_passwords(record: logging.LogRecord) -> bool:
    record.msg, record.args = without_passwords(record.getMessage()), ()
    return True


@contextmanager
def _refusing() -> Iterator[None]:
    """Any error, of whatever kind, ends the command before a job starts."""
    try:
        yield
    except Exception as error:
        raise SystemExit(f"regsweep: {explain(error)}") from None
