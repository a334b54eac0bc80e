import csv
import json
from dataclasses import asdict, fields

import pytest

from regsweep.records import sweep_file
from regsweep.records.record import Record, publish
from regsweep.records.sweep_file import SweepFile
from regsweep.settings.regularizer import REGULARIZERS
from regsweep.sweep.settle import Settled

WEIGHT = {"regularizer.weight": "tag(log, interval(1e-6, 1e-2))"}
BUDGET = {"n_trials": 1, "n_jobs": 16, "replicates": 1, "confirm_seeds": 3, "max_failure_rate": 1.0}
CONFIG = {
    "seed": 0,
    "objective": "val_loss",
    "data.name": "mnist",
    "data.root": "/data",
    "data.train_size": None,
    "data.validation_size": 10000,
    "data.split_seed": 0,
    "model.name": "mlp",
    "model.hidden": [64, 32],
    "regularizer.weight": 1e-4,
    "regularizer.l1_ratio": 0.5,
    "regularizer.scope": "weights",
    "optimizer.name": "sgd",
    "optimizer.lr": 1e-3,
    "optimizer.momentum": 0.0,
    "trainer.epochs": 2,
    "trainer.batch_size": 128,
    "trainer.device": "auto",
    "trainer.compile": "auto",
    "trainer.matmul_precision": "highest",
    "trainer.log_every": None,
    "run.stage": None,
    "run.arm": None,
    "run.trial": None,
}


STOCK = {
    "overrides": [],
    "sweeper": "basic",
    "arms": [],
    "searched": [],
    "objective": "val_loss",
    "seed": 0,
    "settled": asdict(Settled("cpu", "eager", 1, "highest", 16)),
    "versions": {},
}


class Folder:
    """Builds sweeps and runs of real record files under one folder."""

    def __init__(self, root):
        self.root = root
        self.runs = 0

    def run(self, path, sweep="", **fields):
        """Publish a record in ``sweep/path``; a field not given has a plain default."""
        directory = self.root / sweep / path
        (directory / ".hydra").mkdir(parents=True)
        self.runs += 1
        given = {"stage": "single", "arm": {"regularizer": "none"}, "trial": None, "seed": 0}
        own = {"run": path, "status": "completed", "started": f"2026-11-26T00:00:00.{self.runs:06}"}
        record = Record(**(own | given | fields))
        publish(record, directory)
        return record

    def trial(self, number, weight, val_loss, sweep="sweep", arm="l1", seed=0, **fields):
        """A completed search run of ``regularizer=arm``, in a folder of its own."""
        metrics = {"val_loss": val_loss, "val_accuracy": 1 - val_loss} | fields.pop("more", {})
        given = {
            "stage": "search",
            "arm": {"regularizer": arm},
            "trial": number,
            "seed": seed,
            "params": {} if weight is None else {"regularizer.weight": weight},
            "metrics": metrics,
        }
        return self.run(f"{arm}-{number}-{seed}", sweep, **(given | fields))

    def confirm(self, arm, test_losses, accuracies=None, trial=0, seed=10000, **fields):
        """Confirm runs of a trial, a seed each; test accuracy is ``1 - loss / 4`` if not given."""
        accuracies = accuracies or [1 - loss / 4 for loss in test_losses]
        for i, (loss, accuracy) in enumerate(zip(test_losses, accuracies, strict=True)):
            more = {"test_loss": loss, "test_accuracy": accuracy, "train_accuracy": 1.0}
            given = {"weight": weight_of(arm), "val_loss": 0.25, "stage": "confirm", "more": more}
            self.trial(trial, arm=arm, seed=seed + i, **(given | fields))

    def arm(self, arm, test_losses, val_loss=0.25, **fields):
        """An arm of one search trial and its confirm runs."""
        of_both = {key: fields[key] for key in ("sweep", "overrides") if key in fields}
        self.trial(0, weight_of(arm), val_loss, arm=arm, **of_both)
        self.confirm(arm, test_losses, **fields)

    def history(self, path, *epochs):
        """The learning curve of the run in ``path``: train and validation loss of each epoch."""
        columns = ("epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
        with (self.root / path / "history.csv").open("w", newline="") as file:
            rows = [(i, loss, 0.5, val, 0.5) for i, (loss, val) in enumerate(epochs, start=1)]
            csv.writer(file).writerows([columns, *rows])

    def sweep(self, name="sweep", **content):
        """The sweep file of the sweep ``name``: a stock one's, with ``content``."""
        (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / name / "sweep.json").write_text(json.dumps(STOCK | content))
        return self.root / name

    def compared(self, *arms, name="sweep", spaces=WEIGHT, config=None, budget=None, **fields):
        """The sweep file of a compare sweep over choices of a regularizer."""
        nothing = {"none": {}}
        choices = fields.get("arms") or [{"regularizer": arm} for arm in arms]
        given = {
            "overrides": (f"regularizer={','.join(arms)}", "trainer.epochs=2"),
            "sweeper": "compare",
            "arms": tuple(choices),
            "searched": tuple(spaces),
            "objective": "val_loss",
            "seed": 0,
            "settled": Settled("cpu", "eager", 1, "highest", 16),
            "versions": {"python": "3.11.2", "torch": "2.10.0"},
            "spaces": tuple(nothing.get(one["regularizer"], spaces) for one in choices),
            "configs": tuple(config_of(one["regularizer"]) | (config or {}) for one in choices),
            "budget": BUDGET | (budget or {}),
            "seeds": {"search": (0,), "confirm": (10000, 10001, 10002)},
            "baseline": "regularizer=none" if "none" in arms else f"regularizer={arms[0]}",
            "trials": trials_of(budget, arms, spaces),
            "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": None},
        }
        sweep_file.write(SweepFile(**(given | fields)), self.root / name)
        return self.root / name

    def unfinished(self, path):
        (self.root / path / ".hydra").mkdir(parents=True)
        return self.root / path


def config_of(arm):
    """The config of an arm under dotted keys, with the keys of its regularizer alone."""
    keys = {field.name for field in fields(REGULARIZERS[arm])} | {"name"}
    config = CONFIG | {"regularizer.name": arm}
    prefix = "regularizer."
    return {k: v for k, v in config.items() if k.removeprefix(prefix) in keys or prefix not in k}


def trials_of(budget, arms, spaces):
    """The planned trials of each arm: one of an arm with nothing to search."""
    n_trials = (BUDGET | (budget or {}))["n_trials"]
    return tuple(n_trials if spaces and arm != "none" else 1 for arm in arms)


def weight_of(arm):
    """A weight in the middle of its interval, of an arm that has one."""
    return None if arm == "none" else 1e-4


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
