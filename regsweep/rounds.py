"""The rounds of a sweep: composed, trained in packs, published job by job."""

import logging
import sys
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict, read_write

from regsweep import sweep_file
from regsweep.config import read_run
from regsweep.job import data_root, publish_job, read_stage
from regsweep.messages import explain
from regsweep.packs import deal, train_packs
from regsweep.preflight import is_search, plain_config
from regsweep.record import Record, publish, refuse_used
from regsweep.settle import Packing, Settled, count_workers, mode_of, widest
from regsweep.spec.run import Run
from regsweep.training.device import resolve_device
from regsweep.training.pack import fusible
from regsweep.worker import Pack, Trained

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A composed job: its number in the sweep, and what it trains on which data."""

    number: int
    config: DictConfig
    run: Run
    root: Path
    test: bool


class Rounds:
    """Launches the rounds of the sweep ``config``, whose folder holds its ``sweep.json``."""

    def __init__(self, config: DictConfig, hydra_context: HydraContext, packing: Packing) -> None:
        self.config, self.hydra_context, self.packing = config, hydra_context, packing
        self.directory = Path(config.hydra.sweep.dir)
        self.settled = sweep_file.read_settled(self.directory)
        device = resolve_device(self.settled.device.partition(",")[0])
        self.workers = count_workers(packing, device)
        self.processes = 1  # of the workers, as many as the rounds had packs so far
        self.told = False

    def launch(
        self, job_overrides: Sequence[Sequence[str]], first_number: int
    ) -> Sequence[JobReturn]:
        """Train the jobs of one round and publish each as its pack ends.

        The returns are in the order of ``job_overrides``. A job that does not compose, or whose
        run fails, has a record that says so and a failed return; the others go on.
        """
        setup_globals()
        self._log_to_the_sweep()
        returns: dict[int, JobReturn] = {}
        jobs: dict[int, Job] = {}
        for number, overrides in enumerate(job_overrides, start=first_number):
            try:
                jobs[number] = self._compose(number, list(overrides))
            except Exception as error:
                returns[number] = self._fail(number, list(overrides), error)
        packs = make_packs(list(jobs.values()), self.settled, self.packing)
        self._tell(packs)
        self.processes = max(self.processes, min(self.workers, len(packs)))
        for pack, outcome in train_packs(packs, self.processes):
            for place, number in enumerate(pack.jobs):
                own = outcome if isinstance(outcome, Exception) else outcome[place]
                returns[number] = self._publish(jobs[number], own)
            self._log_to_the_sweep()
        return [returns[number] for number in sorted(returns)]

    def _tell(self, packs: Sequence[Pack]) -> None:
        """What starts now; and once, how the sweeper's rounds could use more of the machine."""
        runs = sum(len(pack.runs) for pack in packs)
        log.info("training %d runs in %d packs", runs, len(packs))
        sweeper = self.config.hydra.sweeper
        key = "n_jobs" if "n_jobs" in sweeper else "max_batch_size"
        if self.told or runs == 0 or runs != sweeper.get(key):
            return
        widths = [
            self.packing.pack_size or widest(pack.runs[0], torch.device(pack.device))
            for pack in packs
        ]
        room = min(self.workers * max(widths), sweeper.get("n_trials") or sys.maxsize)
        if runs < room:
            self.told = True
            log.info(
                "this machine trains %d such runs at once: hydra.sweeper.%s=%d makes such rounds",
                room,
                key,
                room,
            )

    def _log_to_the_sweep(self) -> None:
        configure_log(
            self.config.hydra.hydra_logging,
            self.config.hydra.verbose,
            execution_whitelist=self.hydra_context.execution_whitelist,
        )

    def _compose(self, number: int, overrides: list[str]) -> Job:
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
        plain = plain_config(config)
        run = read_run(plain)
        test = read_stage(config.hydra, plain) != "search"
        return Job(number, config, run, data_root(run, config.hydra), test)

    def _publish(self, job: Job, outcome: Trained | Exception) -> JobReturn:
        return run_job(
            task_function=partial(publish_job, outcome=outcome),
            config=job.config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.hydra_context,
        )

    def _fail(self, number: int, overrides: list[str], error: Exception) -> JobReturn:
        """Publish the failure of a job that has no run: in its folder, as far as that is known."""
        config = self.config.copy()
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.job.id, config.hydra.job.num = str(number), number
            config.hydra.overrides.task = overrides
        name = str(config.hydra.sweep.subdir)
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        refuse_used(directory)
        record = Record(
            run=name,
            stage="search" if is_search(config.hydra) else "single",
            arm={"regularizer": config.regularizer.name},
            trial=number,
            seed=config.seed,
            status="failed",
            overrides=tuple(overrides),
            error="".join(traceback.format_exception(error)),
        )
        publish(record, directory)
        log.error("job %d cannot start: %s", number, explain(error))
        failed = JobReturn(overrides=overrides, status=JobStatus.FAILED)
        failed.return_value = error
        return failed


def make_packs(jobs: Sequence[Job], settled: Settled, packing: Packing) -> list[Pack]:
    """The jobs that can train as one, dealt into packs; those of one seed side by side.

    Runs of one seed share their batches, and then the first layer of all is one product.
    """
    alike: defaultdict[Any, list[Job]] = defaultdict(list)
    for job in sorted(jobs, key=lambda job: job.run.seed):
        alike[fusible(job.run), job.root, job.test].append(job)
    packs = []
    for group in alike.values():
        first = group[0]
        device = resolve_device(first.run.trainer.device)
        width = settled.pack_width
        if packing.pack_size is None:
            width = min(width, widest(first.run, device))
        for share in deal(group, count_workers(packing, device), width):
            pack = Pack(
                jobs=tuple(job.number for job in share),
                runs=tuple(job.run for job in share),
                root=first.root,
                test=first.test,
                device=str(device),
                mode=mode_of(first.run, settled),
                width=width,
            )
            packs.append(pack)
    return packs
