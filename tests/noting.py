"""A callback that notes in each job's folder what Hydra calls, and what it hands over."""

import json
import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.utils import get_original_cwd, to_absolute_path
from omegaconf import OmegaConf


class Noting(Callback):
    """Appends a line of JSON for each call: to the job's folder, or to the sweep's."""

    def on_multirun_start(self, config, **kwargs):
        note(config.hydra.sweep.dir, call="on_multirun_start")

    def on_multirun_end(self, config, **kwargs):
        note(config.hydra.sweep.dir, call="on_multirun_end")

    def on_job_start(self, config, *, task_function, **kwargs):
        hydra = HydraConfig.get()
        note(
            hydra.runtime.output_dir,
            call="on_job_start",
            number=hydra.job.num,
            id=hydra.job.id,
            name=hydra.job.name,
            overrides=list(hydra.overrides.task),
            dirname=hydra.job.override_dirname,
            choice=hydra.runtime.choices.regularizer,
            lr=config.optimizer.lr,
            cwd=os.getcwd(),
            original_cwd=get_original_cwd(),
            absolute=to_absolute_path("x"),
            environment=os.environ.get("NOTED"),
            written=sorted(
                path.name for path in Path(hydra.runtime.output_dir, ".hydra").iterdir()
            ),
            callable=callable(task_function),
            process=os.getpid(),
        )

    def on_job_end(self, config, job_return, **kwargs):
        note(
            HydraConfig.get().runtime.output_dir,
            call="on_job_end",
            status=job_return.status.name,
            config=OmegaConf.to_container(job_return.cfg, resolve=True),
            published=Path(HydraConfig.get().runtime.output_dir, "record.json").exists(),
        )


def note(folder, **said):
    Path(folder).mkdir(parents=True, exist_ok=True)
    with Path(folder, "noted.jsonl").open("a") as file:
        file.write(f"{json.dumps(said)}\n")


def noted(folder):
    """What was noted in ``folder``, in its order."""
    return [json.loads(line) for line in Path(folder, "noted.jsonl").read_text().splitlines()]
