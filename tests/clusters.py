"""Real schedulers on loopback, each started here and ended at the end, and engines on them."""

import os
import socket
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from regsweep.packs.engines.dask import Dask
from regsweep.sweep.cluster import DaskCluster


@contextmanager
def started(*words, **environment):
    """A process that ends with the context."""
    process = subprocess.Popen(
        words,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def used(engine):
    try:
        yield engine
    finally:
        engine.kill()


def dask_of_this_process():
    pytest.importorskip("distributed", reason="needs Dask")
    return used(Dask(DaskCluster(None)))


@contextmanager
def dask_scheduler():
    """A Dask scheduler without workers: its address."""
    pytest.importorskip("distributed", reason="needs Dask")
    address = f"tcp://127.0.0.1:{free_port()}"
    words = ["--host", address, "--dashboard-address", "127.0.0.1:0"]
    with started(sys.executable, "-m", "distributed.cli.dask_scheduler", *words):
        yield address


def dask_worker(address, threads=1, within=()):
    """A worker of that scheduler, started by the command ``within``."""
    words = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-nanny"]
    words += ["--nthreads", str(threads), "--memory-limit", "0", "--local-directory", "/tmp"]
    return started(*within, sys.executable, "-m", "distributed.cli.dask_worker", address, *words)


@contextmanager
def dask_at_an_address():
    with (
        dask_scheduler() as address,
        dask_worker(address),
        dask_worker(address),
        used(Dask(DaskCluster(address))) as engine,
    ):
        yield engine
