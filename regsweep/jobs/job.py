"""One Hydra job: a config in, a trained run and its record out."""

import csv
import io
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from safetensors.torch import save

from regsweep.errors import machine_fault, naming
from regsweep.jobs.collector import spare_what_is_loaded
from regsweep.jobs.environment import describe, name_of, now
from regsweep.jobs.git import commit_of
from regsweep.jobs.progress import log_batch, log_end, log_epoch
from regsweep.jobs.study import load_study
from regsweep.records import sweep_file
from regsweep.records.atomic import write_bytes
from regsweep.records.objective import measured
from regsweep.records.record import (
    FILE_NAME,
    HISTORY,
    TEST_LOSSES,
    WEIGHTS,
    Record,
    Role,
    Stage,
    publish,
    read,
    refused,
)
from regsweep.records.row_losses import write_row_losses
from regsweep.records.settled import Settled
from regsweep.records.sweep_file import SweepFile
from regsweep.records.task import ACCURACY, STOPPING_LOSS, Score, Task, history_columns
from regsweep.settings.config import read_channel, read_run
from regsweep.settings.flat import flatten
from regsweep.settings.plain_config import plain_config
from regsweep.settings.run import Run, tried_by
from regsweep.sweep.kinds import is_search
from regsweep.sweep.machine import refuse_other_files
from regsweep.sweep.settle import device_of, in_packs, mode_of, settle
from regsweep.training.load import facts_of, load_data
from regsweep.training.pack import train_pack
from regsweep.training.result import BatchLoss, Epoch, Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobIdentity:
    """What a job is part of: its stage, its arm, its number, the keys that its sweep varies.

    ``role`` is what a confirm run trains again, ``None`` of others.
    """

    stage: Stage
    role: Role | None
    arm: Mapping[str, str]
    trial: int | None
    searched: tuple[str, ...]
    name: str
    overrides: tuple[str, ...]


@dataclass(frozen=True)
class Trained:
    """The result of one run, and the losses of its batches where ``trainer.log_every`` asks.

    ``started`` is when its pack was begun, in UTC, and ``device_name`` what it was trained on.
    """

    result: Result
    batches: tuple[BatchLoss, ...]
    started: str
    device_name: str


# How a job comes by its result: by training, or from a pack that has trained it already.
Train = Callable[[Run, JobIdentity, Settled], Result]


def train_job(config: DictConfig) -> float | None:
    """Train the run that ``config`` describes, publish its record and return its objective.

    An error is published in the record, then raised again; a fault of the machine is raised alone.

    Raises:
        MachineFault: the machine stands in the way, or what is published cannot be written.
    """
    spare_what_is_loaded()
    return complete_job(plain_config(config), _train_alone)


def complete_job(
    plain: Mapping[str, Any], train: Train, outcome: Trained | Exception | None = None
) -> float | None:
    """As ``train_job``, for a config that is resolved, with the result that ``train`` gives.

    ``outcome`` is what came of its training, where that is over.
    """
    load_study()
    hydra = HydraConfig.get()
    sweep = _sweep(hydra)
    identity = read_identity(hydra, plain, sweep)
    directory = Path(hydra.runtime.output_dir)
    if published := _published(directory, identity):
        if published.status == "failed":
            raise RuntimeError(published.error)
        return objective(published, plain)
    flat = flatten(plain)
    started = time.perf_counter()
    record = Record(
        run=identity.name,
        stage=identity.stage,
        arm=identity.arm,
        trial=identity.trial,
        seed=plain["seed"] if type(plain["seed"]) is int else 0,
        status="failed",
        overrides=identity.overrides,
        params={key: value for key, value in flat.items() if key in identity.searched},
        config=flat,
        started=outcome.started if isinstance(outcome, Trained) else now(),
        git=commit_of(Path(hydra.runtime.cwd)),
        role=identity.role,
    )
    try:
        run = read_run(plain).at(Path(hydra.runtime.cwd))
        settled = _settled(run, sweep)
        device = device_of(run, settled, here=outcome is None)
        name = outcome.device_name if isinstance(outcome, Trained) else name_of(device)
        environment = describe(device, name, mode_of(run, settled), run.trainer)
        if tried_by(run):
            environment["pack"] = "always" if in_packs(run, settled) else "never"
        facts = facts_of(run.data, run.loss)
        if facts.files:
            environment["files"] = facts.files
        if run.study is not None:
            environment["study"] = dict(run.study.sources)
        record = replace(record, environment=environment)
        result = train(run, identity, settled)
        write_history(result.history, directory / HISTORY, _task(run).score)
        if identity.stage != "search" and result.status == "completed":
            write_bytes(directory / WEIGHTS, save(dict(result.weights)))
            if result.test_losses is not None:
                write_row_losses(result.test_losses, directory / TEST_LOSSES)
    except Exception as error:
        if fault := machine_fault(error):
            raise fault from error
        seconds = time.perf_counter() - started
        publish(replace(record, seconds=seconds, error=traceback.format_exc()), directory)
        raise
    record = replace(
        record,
        status=result.status,
        metrics=result.metrics,
        epochs=len(result.history),
        seconds=result.seconds,
    )
    publish(record, directory)
    log_end(record, directory)
    return objective(record, plain)


def _published(directory: Path, identity: JobIdentity) -> Record | None:
    """The record that this very job has left already: its worker died before it could say so.

    Raises:
        InputError: the folder holds the record of another run.
    """
    if not (directory / FILE_NAME).exists():
        return None
    if identity.trial is not None:
        record = read(directory / FILE_NAME)
        own = (identity.name, identity.stage, identity.arm, identity.trial, identity.overrides)
        if (record.run, record.stage, record.arm, record.trial, record.overrides) == own:
            return record
    raise refused(directory)


def publish_job(
    config: DictConfig, outcome: Trained | Exception, plain: Mapping[str, Any] | None = None
) -> float | None:
    """As ``train_job``, for a run that a pack has trained: its log, its files, its record.

    ``plain`` is ``config``, resolved, where that is known already.
    """

    def trained(run: Run, identity: JobIdentity, settled: Settled) -> Result:
        if isinstance(outcome, Exception):
            raise outcome
        score = _task(run).score
        batches = iter(outcome.batches)
        batch = next(batches, None)
        for epoch in outcome.result.history:
            while batch and batch.epoch <= epoch.epoch:
                log_batch(batch)
                batch = next(batches, None)
            log_epoch(epoch, run, score, alone=identity.trial is None)
        return outcome.result

    return complete_job(plain_config(config) if plain is None else plain, trained, outcome)


def _task(run: Run) -> Task:
    return run.task(facts_of(run.data, run.loss).task)


def _train_alone(run: Run, identity: JobIdentity, settled: Settled) -> Result:
    score = _task(run).score
    [result] = train_pack(
        [run],
        load_data(run.data, run.loss, test=identity.stage != "search"),
        device_of(run, settled),
        on_epoch=lambda _, epoch: log_epoch(epoch, run, score, alone=identity.trial is None),
        on_batch=log_batch,
        mode=mode_of(run, settled),
        alone=not in_packs(run, settled),
    )
    return result


def _sweep(hydra: HydraConf) -> SweepFile | None:
    """What the job's sweep was asked for; ``None`` for a lone run."""
    if hydra.mode != RunMode.MULTIRUN:
        return None
    return sweep_file.read(Path(hydra.runtime.cwd, hydra.sweep.dir))


def _settled(run: Run, sweep: SweepFile | None) -> Settled:
    """What was settled for the job's sweep; a lone run settles it for itself, and says so."""
    if sweep is not None:
        refuse_other_files(run, sweep)
        return sweep.settled
    settled, why = settle([run])
    log.info(why)
    return settled


def read_identity(
    hydra: HydraConf, config: Mapping[str, Any], sweep: SweepFile | None
) -> JobIdentity:
    """What the job's sweeper says in ``run``, else what Hydra says of the job.

    The jobs of a stock search are ``search``, all others ``single``; their arm is their
    regularizer, and their trial is the number of the job in its sweep.
    """
    output = Path(hydra.runtime.output_dir)
    channel = read_channel(config)
    task: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    if sweep is not None:
        folder = Path(hydra.runtime.cwd, hydra.sweep.dir)
        name = Path(os.path.relpath(output, folder)).as_posix()
        trial, searched = hydra.job.num, sweep.searched
    else:
        name, trial, searched = "/".join(output.parts[-2:]), None, ()
    stage = read_stage(hydra, config)
    return JobIdentity(
        stage=stage,
        role=(channel.role or "winner") if stage == "confirm" else None,
        arm=channel.arm or {"regularizer": config["regularizer"]["name"]},
        trial=trial if channel.trial is None else channel.trial,
        searched=searched,
        name=name,
        overrides=tuple(task),
    )


def read_stage(hydra: HydraConf, config: Mapping[str, Any]) -> Stage:
    """What the job's sweeper says, else ``search`` under a search and ``single`` otherwise."""
    searching = hydra.mode == RunMode.MULTIRUN and is_search(hydra)
    return read_channel(config).stage or ("search" if searching else "single")


def objective(record: Record, config: Mapping[str, Any]) -> float | None:
    """What a search minimises; ``inf`` for a diverged run, so that a sampler stays away.

    ``None`` without validation data.
    """
    if config["data"].get("validation_size") == 0:
        return None
    if record.status == "diverged":
        return float("inf")
    return measured(record.metrics, config["objective"])


def write_history(history: Sequence[Epoch], path: Path, score: Score = ACCURACY) -> None:
    """The learning curve as CSV, a row an epoch, numbers in full precision.

    A run that stops early has a last column more, ``stopping_loss``, by which it does.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    columns = history_columns((score,))
    if any(epoch.stopping_loss is not None for epoch in history):
        columns += (STOPPING_LOSS,)
    writer.writerow(columns)
    writer.writerows(astuple(epoch)[: len(columns)] for epoch in history)
    with naming(path):
        path.write_bytes(text.getvalue().encode())
