"""The task function that Hydra calls for every job."""

from omegaconf import DictConfig


def task(config: DictConfig) -> float | None:
    """Train the run that ``config`` describes; its objective, for sweepers."""
    from regsweep.jobs.job import train_job

    return train_job(config)
