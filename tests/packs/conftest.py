"""Schedulers that the tests of packs share: each costs seconds to start."""

import tempfile
from pathlib import Path

import clusters
import pytest


@pytest.fixture(scope="session")
def slurm():
    """Slurm on this machine, which its commands find: a folder of which the node sees nothing."""
    with (
        tempfile.TemporaryDirectory(prefix="hidden") as hidden,
        clusters.slurm(Path(hidden)) as environment,
        pytest.MonkeyPatch.context() as patched,
    ):
        for name, value in environment.items():
            patched.setenv(name, value)
        yield Path(hidden)
