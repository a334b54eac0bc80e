import subprocess
import sys

import pytest
import torch

from regsweep.packs.engines.gpus import VARIABLE, visible_gpus
from regsweep.sweep.packing import Packing, count_workers

WORKER = f"""
import os, sys
from regsweep.packs.engines.gpus import take_gpu
take_gpu(("4", "7"), sys.argv[1])
print(os.environ["{VARIABLE}"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Starts a worker, which lives until its input ends; and what it says of its GPUs."""
    started = []

    def start():
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(worker)
        return worker, worker.stdout.readline().strip()

    yield start
    for worker in started:
        worker.communicate()


def test_each_worker_has_a_gpu_of_its_own_and_the_next_that_of_one_that_died(start):
    first, of_first = start()
    _, of_second = start()
    _, of_third = start()
    first.kill()
    first.wait()
    _, of_next = start()

    assert (of_first, of_second, of_third, of_next) == ("4,7", "7,4", "4,7", "4,7")
    # The third shares the first GPU; the one behind the first takes its place, not a new one.
    assert start()[1] == "7,4"


def test_the_gpus_are_those_that_cuda_is_told_of(monkeypatch):
    monkeypatch.setenv(VARIABLE, "4,7")
    assert visible_gpus() == ("4", "7")
    monkeypatch.setenv(VARIABLE, "")
    assert visible_gpus() == ()
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert visible_gpus() == ("0", "1")


def test_as_many_workers_as_gpus_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)

    auto = Packing(None, None)
    assert count_workers(auto, torch.device("cuda")) == 4
    assert count_workers(auto, torch.device("cuda:2")) == 1
