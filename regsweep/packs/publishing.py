"""The Hydra job of a run that is trained already: in the sweep's process or in a worker."""

import os
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import cloudpickle
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, configure_log, run_job, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, open_dict

from regsweep.jobs.collector import spare_what_is_loaded
from regsweep.jobs.compose import DeferredConfig
from regsweep.jobs.git import commit_of
from regsweep.jobs.job import Trained, publish_job
from regsweep.packs.worker import Pack, train


@dataclass(frozen=True)
class Publisher:
    """Publishes the jobs of ``sweep``, which is its config."""

    sweep: DictConfig
    context: HydraContext

    def log_to_the_sweep(self) -> None:
        """Send what is logged to where the sweep says, no longer to a job's file."""
        configure_log(
            self.sweep.hydra.hydra_logging,
            self.sweep.hydra.verbose,
            execution_whitelist=self.context.execution_whitelist,
        )

    def config(self, number: int, deferred: DeferredConfig) -> DictConfig:
        """The config of the sweep's job of that number."""
        config = deferred.config(self.sweep)
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
        return config

    def publish(
        self, number: int, deferred: DeferredConfig, outcome: Trained | Exception
    ) -> JobReturn:
        """Run the job of that number as Hydra does; its task publishes ``outcome``."""
        return run_job(
            task_function=partial(publish_job, outcome=outcome, plain=deferred.plain),
            config=self.config(number, deferred),
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.context,
        )


def for_workers(publisher: Publisher) -> bytes:
    """``publisher``, and the state of Hydra in this process, pickled."""
    pickled: bytes = cloudpickle.dumps((publisher, Singleton.get_state(), os.getpid()))
    return pickled


def train_and_publish(
    pack: Pack, configs: Sequence[DeferredConfig], pickled_publisher: bytes
) -> bytes:
    """Train ``pack`` in a worker and publish its runs there; the pickled list of their returns.

    ``configs`` are the configs of its jobs, ``pickled_publisher`` is what ``for_workers`` gave. In
    place of the return of a job that Hydra could not run stands its exception.
    """
    spare_what_is_loaded()
    publisher, parent = _join(pickled_publisher)
    commit_of(Path(publisher.sweep.hydra.runtime.cwd))  # it may move on while the pack trains
    results = train(pack)
    returns: list[JobReturn | Exception] = []
    try:
        for number, deferred, result in zip(pack.jobs, configs, results, strict=True):
            if os.getppid() != parent:  # a sweep that goes on in this folder may train it again
                os._exit(1)
            try:
                returns.append(publisher.publish(number, deferred, result))
            except Exception as error:
                returns.append(error)
    finally:
        publisher.log_to_the_sweep()
    return pickle.dumps(returns)


@cache
def _join(pickled_publisher: bytes) -> tuple[Publisher, int]:
    """Set Hydra up as it is in the process that leads the sweep; that process's id."""
    setup_globals()
    publisher, state, parent = pickle.loads(pickled_publisher)
    Singleton.set_state(state)
    return publisher, parent
