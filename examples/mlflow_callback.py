"""The runs of regsweep in MLflow: parameters, the metrics of every epoch, and files.

    pip install mlflow
    python mlflow_callback.py -m

is regsweep with a Hydra callback that logs a sweep's runs when it has ended, or a single run.
MLflow's own variable says where to: ``MLFLOW_TRACKING_URI``, such as ``sqlite:///mlflow.db``. What
is logged already is left alone, so a sweep that is gone on with adds its further runs.
"""

import csv
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

import regsweep

STATUS = {"completed": "FINISHED", "diverged": "FAILED", "failed": "FAILED"}
DIRECTORY = "regsweep.directory"
# As many metrics as MLflow takes at once; epoch by epoch, a run would take a second.
BATCH = 1000


class LogRuns(Callback):
    """Log each run under a folder that has published its ``record.json``, once."""

    def __init__(self, experiment: str = "regsweep") -> None:
        self.experiment = experiment

    def on_run_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Log a single run."""
        self._log(Path(config.hydra.run.dir))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Log the runs of a sweep, from the one process that leads it."""
        self._log(Path(config.hydra.sweep.dir))

    def _log(self, directory: Path) -> None:
        import mlflow  # not above: workers, which log nothing, load this file too
        from mlflow.entities import Metric, Param

        client = mlflow.MlflowClient()
        experiment = mlflow.set_experiment(self.experiment).experiment_id
        runs = mlflow.search_runs([experiment], output_format="list")
        logged = {run.data.tags.get(DIRECTORY) for run in runs if run.info.status != "RUNNING"}
        for path in sorted(directory.resolve().rglob("record.json")):
            if str(path.parent) in logged:
                continue
            record = json.loads(path.read_text())
            tags = {DIRECTORY: str(path.parent), "stage": record["stage"]}
            run = client.create_run(experiment, tags=tags, run_name=record["run"]).info.run_id
            params = [Param(key, str(value)) for key, value in record["config"].items()]
            client.log_batch(run, params=params)
            now = int(time.time() * 1000)
            metrics = [
                Metric(key, value, now, epoch) for key, value, epoch in _metrics(path, record)
            ]
            for start in range(0, len(metrics), BATCH):
                client.log_batch(run, metrics[start : start + BATCH])
            client.log_artifacts(run, str(path.parent))
            client.set_terminated(run, STATUS[record["status"]])


def _metrics(path: Path, record: dict[str, Any]) -> Iterator[tuple[str, float, int]]:
    """Name, value and epoch: the record's metrics, and the history's, if the run has one."""
    history = path.with_name("history.csv")
    if history.exists():
        for row in csv.DictReader(history.read_text().splitlines()):
            epoch = int(row.pop("epoch"))
            yield from ((f"history/{key}", float(value), epoch) for key, value in row.items())
    yield from ((key, value, record["epochs"]) for key, value in record["metrics"].items())


if __name__ == "__main__":
    regsweep.main(
        "+hydra.callbacks.mlflow._target_=mlflow_callback.LogRuns", trust=["mlflow_callback.*"]
    )
