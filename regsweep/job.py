"""One Hydra job: a config in, a trained run and its record out."""

import csv
import os
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from safetensors.torch import save_file

from regsweep import sweep_file
from regsweep.config import flatten, read_channel, read_run
from regsweep.data.dataset import Dataset, load_dataset
from regsweep.environment import describe
from regsweep.preflight import is_search, plain_config
from regsweep.progress import log_batch, log_end, log_epoch
from regsweep.record import Record, Stage, publish, refuse_used
from regsweep.spec.data import Data
from regsweep.spec.run import Run
from regsweep.training.device import resolve_device
from regsweep.training.pack import train_pack
from regsweep.training.result import Epoch, Result


@dataclass(frozen=True)
class Role:
    """What a job is part of: its stage, its arm, its number, the keys that its sweep varies."""

    stage: Stage
    arm: Mapping[str, str]
    trial: int | None
    searched: tuple[str, ...]
    name: str
    overrides: tuple[str, ...]


def train_job(config: DictConfig) -> float | None:
    """Train the run that ``config`` describes, publish its record and return its objective.

    An error is published in the record, then raised again.
    """
    hydra = HydraConfig.get()
    plain = plain_config(config)
    run = read_run(plain)
    role = read_role(hydra, plain)
    directory = Path(hydra.runtime.output_dir)
    refuse_used(directory)
    flat = flatten(plain)
    started = time.perf_counter()
    record = Record(
        run=role.name,
        stage=role.stage,
        arm=role.arm,
        trial=role.trial,
        seed=run.seed,
        status="failed",
        overrides=role.overrides,
        params={key: value for key, value in flat.items() if key in role.searched},
        config=flat,
    )
    try:
        device = resolve_device(run.trainer.device)
        record = replace(record, environment=describe(device, run.trainer))
        [result] = train_pack(
            [run],
            _dataset(run.data, Path(hydra.runtime.cwd), test=role.stage != "search"),
            device,
            on_epoch=lambda _, epoch: log_epoch(epoch, run, alone=role.trial is None),
            on_batch=log_batch,
        )
        write_history(result.history, directory / "history.csv")
        if role.stage != "search" and result.status == "completed":
            save_file(dict(result.weights), directory / "weights.safetensors")
    except Exception:
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
    return objective(run, result)


def _dataset(data: Data, cwd: Path, test: bool) -> Dataset:
    """The data; a relative root is taken from ``cwd``, also under ``hydra.job.chdir=true``."""
    return load_dataset(
        data.name,
        cwd / Path(data.root).expanduser(),
        validation_size=data.validation_size,
        train_size=data.train_size,
        split_seed=data.split_seed,
        test=test,
    )


def read_role(hydra: HydraConf, config: Mapping[str, Any]) -> Role:
    """What the job's sweeper says in ``run``, else what Hydra says of the job.

    The jobs of a stock search are ``search``, all others ``single``; their arm is their
    regularizer, and their trial is the number of the job in its sweep.
    """
    output = Path(hydra.runtime.output_dir)
    channel = read_channel(config)
    if hydra.mode == RunMode.MULTIRUN:
        sweep = Path(hydra.runtime.cwd, hydra.sweep.dir)
        name = Path(os.path.relpath(output, sweep)).as_posix()
        trial, searched = hydra.job.num, sweep_file.read_searched(sweep)
        stage: Stage = "search" if is_search(hydra) else "single"
    else:
        name, trial, searched, stage = "/".join(output.parts[-2:]), None, (), "single"
    return Role(
        stage=channel.stage or stage,
        arm=channel.arm or {"regularizer": config["regularizer"]["name"]},
        trial=trial if channel.trial is None else channel.trial,
        searched=searched,
        name=name,
        overrides=tuple(hydra.overrides.task),
    )


def objective(run: Run, result: Result) -> float | None:
    """What a search minimises; ``inf`` for a diverged run, so that a sampler stays away.

    ``val_loss``, or ``val_error`` = 1 - val_accuracy; ``None`` without validation data.
    """
    if run.data.validation_size == 0:
        return None
    if result.status == "diverged":
        return float("inf")
    if run.objective == "val_error":
        return 1 - result.metrics["val_accuracy"]
    return result.metrics["val_loss"]


def write_history(history: Sequence[Epoch], path: Path) -> None:
    """The learning curve as CSV, a row an epoch, numbers in full precision."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)
