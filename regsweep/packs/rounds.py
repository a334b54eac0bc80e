"""The rounds of a sweep: composed, trained in packs, published job by job."""

import logging
import os
import pickle
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from regsweep.errors import MachineFault, machine_fault, raise_interrupt
from regsweep.jobs.collector import spare_what_is_loaded
from regsweep.jobs.compose import ComposedOnce, DeferredConfig
from regsweep.jobs.environment import now
from regsweep.jobs.git import commit_of
from regsweep.jobs.job import read_stage
from regsweep.jobs.messages import explain
from regsweep.packs.checkpoints import Checkpoints, name_of
from regsweep.packs.engines.choice import engine_of
from regsweep.packs.publishing import (
    Publisher,
    for_workers,
    token_in,
    train_and_publish,
    train_and_publish_where_seen,
    train_where_seen,
)
from regsweep.packs.queue import deal, train_packs
from regsweep.packs.worker import Pack, train
from regsweep.records import sweep_file
from regsweep.records.claim import claim_on
from regsweep.records.record import FILE_NAME, Record, publish, read
from regsweep.records.settled import Settled
from regsweep.settings.config import read_run
from regsweep.settings.plain_config import plain_config
from regsweep.settings.run import Run, fusible, tried_by
from regsweep.sweep.kinds import COMPARE, OPTUNA, is_search
from regsweep.sweep.packing import Packing, count_workers, widest
from regsweep.sweep.settle import device_of, in_packs, mode_of, one_by_one

log = logging.getLogger(__name__)

# So many runs of a seed are faster in a pack of their own than in a wider one of several seeds.
SHARING = 3


@dataclass(frozen=True)
class Job:
    """A composed job: its number in the sweep, and what it trains, on which data and device.

    The config of its ``deferred`` is resolved.
    """

    number: int
    deferred: DeferredConfig
    run: Run
    test: bool
    device: torch.device


class Rounds:
    """Launches the rounds of the sweep ``config``, whose folder holds its ``sweep.json``."""

    def __init__(self, config: DictConfig, hydra_context: HydraContext, packing: Packing) -> None:
        self.config, self.packing = config, packing
        assert isinstance(hydra_context.config_loader, ComposedOnce)
        self.loader = hydra_context.config_loader
        self.directory = Path(config.hydra.sweep.dir)
        self.publisher = Publisher(config, hydra_context, claim_on(self.directory.absolute()))
        self.engine = engine_of(packing)
        self.on_cluster = not packing.here
        self.for_workers = for_workers(self.publisher, None if self.on_cluster else os.getpid())
        self.checkpoints = Checkpoints(self.directory, packing.checkpoint_minutes)
        # Plain: where a config lacks a key, OmegaConf can swallow an interrupt.
        self.sweeper: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
        self.settled = sweep_file.read(self.directory).settled
        self.widest: dict[Any, int] = {}  # what memory has allowed so far, by what packs share
        self.processes = 1  # as many as the rounds so far had packs for
        self.told = False
        self.checked = False
        commit_of(Path(config.hydra.runtime.cwd))  # it may move on while packs train
        spare_what_is_loaded()

    def launch(
        self, job_overrides: Sequence[Sequence[str]], first_number: int
    ) -> Sequence[JobReturn]:
        """Train the jobs of one round and publish each as its pack ends.

        The returns are in the order of ``job_overrides``. A job that does not compose, or whose
        run fails, has a record that says so and a failed return; the others go on.
        """
        setup_globals()
        self.publisher.log_to_the_sweep()
        returns: dict[int, JobReturn] = {}
        jobs: dict[int, Job] = {}
        for number, overrides in enumerate(job_overrides, start=first_number):
            try:
                deferred = self.loader.defer(self.config, overrides)
            except Exception as error:
                raise_interrupt(error)
                returns[number] = self._fail(number, list(overrides), error)
                continue
            try:
                jobs[number] = self._read(number, deferred)
            except Exception as error:
                raise_interrupt(error)
                returns[number] = self.publisher.publish(number, deferred, error)
        workers = min((count_workers(self.packing, job.device) for job in jobs.values()), default=1)
        packs = self._deal(list(jobs.values()), workers)
        self._tell(packs, workers)
        self.checkpoints.tell_of_others(packs)
        self.processes = max(self.processes, min(workers, len(packs)))
        with ExitStack() as stack:
            token = stack.enter_context(token_in(self.directory)) if self.on_cluster else None
            work = partial(self._work, jobs=jobs, token=token)
            further = self.checkpoints.has_come_further
            trained = train_packs(self.engine, packs, self.processes, work, self._narrow, further)
            ended = stack.enter_context(closing(trained))
            for pack, outcome in ended:
                returns |= self._published(pack, outcome, jobs)
                self.checkpoints.remove(pack)
        self.checkpoints.clear()
        for one in returns.values():
            if isinstance(one, Exception):  # Hydra could not run the job
                raise one
        self._check_a_pack(packs, returns)
        return [returns[number] for number in sorted(returns)]

    def _deal(self, jobs: Sequence[Job], workers: int) -> list[Pack]:
        """``jobs`` in packs: first those that go on from where a command was killed."""
        again = packs_again(self.checkpoints, jobs, self.settled)
        given = {number for pack in again for number in pack.jobs}
        others = [job for job in jobs if job.number not in given]
        return again + make_packs(others, self.settled, self.packing, workers, self.widest)

    def _published(
        self, pack: Pack, outcome: Any, jobs: Mapping[int, Job]
    ) -> Mapping[int, JobReturn]:
        """The returns of the jobs of ``pack``, which a worker has published, or this process does.

        Raises:
            MachineFault: one could not be published.
        """
        if isinstance(outcome, bytes):
            published = pickle.loads(outcome)
            _raise_fault(published)
            return dict(zip(pack.jobs, published, strict=True))
        returns = {}
        for place, number in enumerate(pack.jobs):
            own = outcome if isinstance(outcome, Exception) else outcome[place]
            returns[number] = self.publisher.publish(number, jobs[number].deferred, own)
            _raise_fault([returns[number]])
        self.publisher.log_to_the_sweep()
        return returns

    def _check_a_pack(self, packs: Sequence[Pack], returns: Mapping[int, JobReturn]) -> None:
        """Train one run of a pack again by itself, once a sweep, and compare what is measured.

        What was tried of a network is evidence that its packs keep a run's bits, not a proof.

        Raises:
            MachineFault: the run by itself has other metrics.
        """
        for pack in packs if not self.checked else ():
            number, run = pack.jobs[-1], pack.runs[-1]
            of_one = len(pack.runs) == 1 or run.trainer.pack != "auto"
            if pack.test or of_one or tried_by(run) is None:
                continue
            hydra: Any = returns[number].hydra_cfg
            published = read(Path(hydra.hydra.runtime.output_dir, FILE_NAME))
            if published.status == "failed":
                continue
            alone = replace(pack, jobs=(number,), runs=(run,), width=1)
            self.checked = True
            [trained] = self.engine.submit(partial(train, alone), self.processes).result()
            for metric, value in trained.result.metrics.items():
                if published.metrics.get(metric) != value:
                    raise MachineFault(
                        f"{published.run}: trained again by itself, its {metric} is {value}, and "
                        f"was {published.metrics.get(metric)} in a pack: packs of "
                        f"{tried_by(run)} do not keep a run's bits; trainer.pack=never trains "
                        "each run alone"
                    )

    def _narrow(self, pack: Pack, width: int) -> None:
        """The memory does not hold ``pack``: none like it is dealt wider than ``width`` again."""
        shared = fusible(pack.runs[0])
        self.widest[shared] = min(width, self.widest.get(shared, width))

    def _tell(self, packs: Sequence[Pack], workers: int) -> None:
        """What starts now; and once, how the sweeper's rounds could use more of the machine."""
        runs = sum(len(pack.runs) for pack in packs)
        # The compare sweeper says itself how far it is.
        sweeper = self.sweeper
        level = logging.DEBUG if sweeper["_target_"] == COMPARE else logging.INFO
        log.log(level, "training %d runs in %d packs", runs, len(packs))
        key = "n_jobs" if "n_jobs" in sweeper else "max_batch_size"
        replicates = sweeper.get("replicates", 1)
        if self.told or runs == 0 or runs != (sweeper.get(key) or 0) * replicates:
            return
        widths = [
            self.packing.pack_size or widest(pack.runs[0], torch.device(pack.device))
            for pack in packs
        ]
        room = workers * max(widths)
        if sweeper["_target_"] == OPTUNA:
            room = min(room, sweeper["n_trials"])
        if sweeper["_target_"] == COMPARE:
            room = min(room, sum(sweep_file.read(self.directory).trials))
        if runs < room:
            self.told = True
            log.info(
                "this machine trains %d such runs at once: hydra.sweeper.%s=%d makes such rounds",
                room,
                key,
                room // replicates,
            )

    def _read(self, number: int, deferred: DeferredConfig) -> Job:
        """The job of ``deferred``, checked.

        Raises:
            InputError: a value is wrong, or its device is not there.
        """
        plain = deferred.plain
        if plain is None:
            config = self.publisher.config(number, deferred)
            hydra: Any = HydraConfig.instance()
            before, hydra.cfg = hydra.cfg, config  # what ${hydra:...} reads, in the job too
            try:
                plain = plain_config(config)
            finally:
                hydra.cfg = before
        run = read_run(plain).at(Path(self.config.hydra.runtime.cwd))
        return Job(
            number=number,
            deferred=replace(deferred, plain=plain),
            run=run,
            test=read_stage(self.config.hydra, plain) != "search",
            device=device_of(run, self.settled, here=self.packing.here),
        )

    def _work(self, pack: Pack, jobs: Mapping[int, Job], token: Path | None) -> Callable[[], Any]:
        """What a worker does for ``pack``.

        Another process publishes the runs too, on a cluster where it sees ``token``; while a GPU
        trains, this one does.
        """
        checkpoint = self.checkpoints.give(pack)
        if pack.device != "cpu" or not self.engine.apart:
            return partial(train_where_seen, pack, checkpoint, token)
        configs = [jobs[number].deferred for number in pack.jobs]
        words = (pack, checkpoint, configs, self.for_workers)
        if token is None:
            return partial(train_and_publish, *words)
        return partial(train_and_publish_where_seen, *words, token)

    def _fail(self, number: int, overrides: list[str], error: Exception) -> JobReturn:
        """Publish the failure of a job that does not compose, in a folder of its number."""
        log.error("job %d does not compose: %s", number, explain(error))
        failed = JobReturn(overrides=overrides, status=JobStatus.FAILED)
        failed.return_value = error
        if self.sweeper["_target_"] == COMPARE:
            return failed  # its folders are not numbers; it has composed all arms before
        given = dict(line.lstrip("+").partition("=")[::2] for line in overrides)
        seed = given.get("seed", "")
        record = Record(
            run=str(number),
            stage="search" if is_search(self.config.hydra) else "single",
            arm={"regularizer": given.get("regularizer", self.config.regularizer.name)},
            trial=number,
            seed=int(seed) if seed.isdigit() else self.config.seed,
            status="failed",
            overrides=tuple(overrides),
            error="".join(traceback.format_exception(error)),
            started=now(),
            git=commit_of(Path(self.config.hydra.runtime.cwd)),
        )
        directory = self.directory / str(number)
        directory.mkdir(parents=True, exist_ok=True)
        if not (directory / FILE_NAME).exists():  # of a job whose folder is named so
            publish(record, directory)
        return failed


def _raise_fault(returns: Sequence[JobReturn | Exception]) -> None:
    """Raise the fault of the machine that kept a job from being published, if one did."""
    for one in returns:
        error = one if isinstance(one, Exception) else one._return_value
        if isinstance(error, Exception) and (fault := machine_fault(error)):
            raise fault


def make_packs(
    jobs: Sequence[Job],
    settled: Settled,
    packing: Packing,
    workers: int,
    allowed: Mapping[Any, int],
) -> list[Pack]:
    """The jobs that can train as one, dealt into packs; those of one seed side by side.

    Runs of one seed share their batches, and then the first layer of all is one product: where
    there are enough of each seed, no pack mixes them. All jobs alike are filled up to the settled
    width, so that a smaller round compiles nothing; a round of several kinds or seeds is as wide
    as its packs. ``allowed`` is what memory has allowed.
    """
    alike: defaultdict[Any, list[Job]] = defaultdict(list)
    for job in sorted(jobs, key=lambda job: job.run.seed):
        alike[fusible(job.run), job.test].append(job)
    made = []
    for (shared, test), group in alike.items():
        run, device = group[0].run, group[0].device
        most = settled.pack_width
        if packing.pack_size is None:
            most = min(most, widest(run, device))
        most = min(most, allowed.get(shared, most))
        if one_by_one(run, settled, test=test):
            most = 1
        parts = _by_seed(group)
        shares = [
            share
            for part in parts
            for share in deal(part, max(1, round(workers * len(part) / len(jobs))), most)
        ]
        only = len(alike) == len(parts) == 1
        width = most if only else max(map(len, shares))
        made += [_pack_of(share, width, settled) for share in shares]
    return made


def packs_again(checkpoints: Checkpoints, jobs: Sequence[Job], settled: Settled) -> list[Pack]:
    """The packs that go on from ``checkpoints``, made of those of ``jobs`` that train their runs.

    One of which a run is published by now, or is another, is not made again.
    """
    left: defaultdict[str, list[Job]] = defaultdict(list)
    kept = checkpoints.kept()
    for job in jobs if kept else ():
        left[name_of(job.run)].append(job)
    made = []
    for one in kept:
        queues = {name: iter(left[name]) for name in one.runs}
        share = [found for name in one.runs if (found := next(queues[name], None))]
        if len(share) < len(one.runs):
            continue
        pack = _pack_of(share, one.width, settled)
        if checkpoints.path_of(pack) == one.path:
            made.append(pack)
            for name, job in zip(one.runs, share, strict=True):
                left[name].remove(job)
    return made


def _pack_of(share: Sequence[Job], width: int, settled: Settled) -> Pack:
    """That of the jobs of ``share``, which are alike."""
    first = share[0]
    return Pack(
        jobs=tuple(job.number for job in share),
        runs=tuple(job.run for job in share),
        test=first.test,
        device=str(first.device),
        mode=mode_of(first.run, settled),
        width=width,
        alone=not in_packs(first.run, settled),
    )


def _by_seed(group: Sequence[Job]) -> list[Sequence[Job]]:
    """``group``, which is sorted by seed, in parts of one seed each; whole where one is small."""
    parts = [list(same) for _, same in groupby(group, key=lambda job: job.run.seed)]
    return list(parts) if min(map(len, parts)) >= SHARING else [group]
