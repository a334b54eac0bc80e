"""The Hydra job of a run that is trained already: in the sweep's process or in a worker."""

import os
import pickle
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from regsweep.records.claim import Claim, ClaimLost, told_of_loss
from regsweep.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class Publisher:
    """Publishes the jobs of ``sweep``, which is its config, for as long as its ``claim`` stands."""

    sweep: DictConfig
    context: HydraContext
    claim: Claim | None

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
        """Run the job of that number as Hydra does; its task publishes ``outcome``.

        Raises:
            ClaimLost: another process leads a sweep in this folder now, and may train it again.
        """
        if self.claim is not None and not self.claim.stands:
            raise ClaimLost(told_of_loss(self.claim))
        return run_job(
            task_function=partial(publish_job, outcome=outcome, plain=deferred.plain),
            config=self.config(number, deferred),
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
            hydra_context=self.context,
        )


def for_workers(publisher: Publisher, parent: int | None) -> bytes:
    """``publisher``, and the state of Hydra in this process, pickled.

    ``parent`` is the process without which workers do not publish; ``None`` on a cluster.
    """
    pickled: bytes = cloudpickle.dumps((publisher, Singleton.get_state(), parent))
    return pickled


def train_and_publish(
    pack: Pack,
    checkpoint: Checkpoint | None,
    configs: Sequence[DeferredConfig],
    pickled_publisher: bytes,
) -> bytes:
    """Train ``pack`` in a worker and publish its runs there; the pickled list of their returns.

    ``configs`` are the configs of its jobs, ``pickled_publisher`` is what ``for_workers`` gave. In
    place of the return of a job that Hydra could not run stands its exception.
    """
    spare_what_is_loaded()
    publisher, parent = _join(pickled_publisher)
    publisher.log_to_the_sweep()
    commit_of(Path(publisher.sweep.hydra.runtime.cwd))  # it may move on while the pack trains
    results = train(pack, checkpoint)
    returns: list[JobReturn | Exception] = []
    try:
        for number, deferred, result in zip(pack.jobs, configs, results, strict=True):
            if parent not in (
                None,
                os.getppid(),
            ):  # a sweep that goes on in this folder may train it again
                os._exit(1)
            try:
                returns.append(publisher.publish(number, deferred, result))
            except Exception as error:
                returns.append(error)
    finally:
        publisher.log_to_the_sweep()
    return pickle.dumps(returns)


def train_and_publish_where_seen(
    pack: Pack,
    checkpoint: Checkpoint | None,
    configs: Sequence[DeferredConfig],
    pickled_publisher: bytes,
    token: Path,
) -> bytes | list[Trained]:
    """As ``train_and_publish`` where this worker sees the folders of the sweep; else as ``train``.

    They are where the command was given, and that of the sweep, which holds ``token``.
    """
    publisher, _ = _join(pickled_publisher)
    if token.exists() and os.path.isdir(publisher.sweep.hydra.runtime.cwd):
        return train_and_publish(pack, checkpoint, configs, pickled_publisher)
    return train(pack)


def train_where_seen(
    pack: Pack, checkpoint: Checkpoint | None, token: Path | None
) -> list[Trained]:
    """As ``train``, with the ``checkpoint`` where this worker sees ``token``, if there is one."""
    return train(pack, checkpoint if token is None or token.exists() else None)


@contextmanager
def token_in(directory: Path) -> Iterator[Path]:
    """A file of a name that nothing else has, for as long as the body runs."""
    token = directory.absolute() / f".seen-{uuid.uuid4().hex}"
    token.touch()
    try:
        yield token
    finally:
        token.unlink(missing_ok=True)


@cache
def _join(pickled_publisher: bytes) -> tuple[Publisher, int | None]:
    """Set Hydra up as in the process that leads the sweep; the ``parent`` of ``for_workers``."""
    setup_globals()
    publisher, state, parent = pickle.loads(pickled_publisher)
    Singleton.set_state(state)
    return publisher, parent
