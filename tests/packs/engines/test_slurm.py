"""What Slurm is asked for, and what becomes of calls whose task has ended without an answer."""

import os
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from pathlib import Path

import clusters
import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines import slurm
from regsweep.packs.engines.slurm import (
    Call,
    Ended,
    Needed,
    Slurm,
    Task,
    calls_a_task,
    gpus_in,
    options,
)
from regsweep.packs.engines.slurm_task import BEGUN

FOLDER = "unused"
CLUSTER = clusters.slurm_cluster(FOLDER)


@pytest.mark.parametrize(
    ("waiting", "at_once", "seconds", "size"),
    [
        (100, 4, [], 1),  # nothing is known
        (100, 4, [10.0], 6),  # a minute
        (100, 4, [2.0, 10.0, 300.0], 6),
        (10, 4, [1.0], 2),  # each task has its share
        (3, 4, [1.0], 1),
        (100, 4, [61.0], 1),
        (1000, 4, [0.0], 250),
    ],
)
def test_short_calls_share_a_task_and_leave_none_idle(waiting, at_once, seconds, size):
    assert calls_a_task(waiting, at_once, seconds) == size


def test_what_the_keys_say_is_asked_for_until_calls_have_told_what_they_need():
    assert options(CLUSTER, Needed()) == ["--cpus-per-task=1", "--time=60", "--mem=1G"]
    # Three times what they took, and what a task takes to start.
    known = options(CLUSTER, Needed([1.0, 10.0], 100 * 2**20), calls=6)
    assert known == ["--cpus-per-task=1", "--time=5", "--mem=812M"]


def test_no_more_is_asked_for_than_the_keys_say():
    asked = options(CLUSTER, Needed([1e6], 2**40))
    assert asked == ["--cpus-per-task=1", "--time=60", "--mem=1G"]
    assert "--time=120" in options(CLUSTER, Needed([1e6]), calls=2)


def test_a_gpu_is_asked_for_where_packs_are_for_one():
    gpu = clusters.slurm_cluster(FOLDER, gpu=True, partition="long")

    assert {"--gres=gpu:1", "--partition=long"} < {*options(gpu, Needed())}
    assert not any("gres" in one for one in options(CLUSTER, Needed()))


def test_gpus_are_counted_once_a_node():
    said = "n1 gpu:2\nn1 gpu:2\nn2 gpu:a100:4(S:0-1),shard:8\nn3 (null)\nn4 gpu:v100:1,gpu:a30:2\n"

    assert gpus_in(said) == 2 + 4 + 3


@pytest.fixture
def ended(monkeypatch, tmp_path):
    """Has an engine find that a task of two calls, of which it answered none, has ended so."""

    def end(how, begun=True):
        monkeypatch.setattr(slurm, "_how_it_ended", lambda name: how)
        engine = Slurm(CLUSTER)
        engine.needed["quick"].seconds.append(1.0)
        calls = [Call(b"", Future(), "quick"), Call(b"", Future(), "quick")]
        task = Task(tmp_path / "place", calls)
        if begun:
            task.place.with_suffix(BEGUN).touch()
        engine._lose("1_0", task)
        return engine, calls

    return end


def test_only_the_call_that_a_task_was_at_is_lost(ended):
    engine, (first, second) = ended(Ended("FAILED", 0, 9))

    lost = first.future.exception(timeout=0)
    assert isinstance(lost, BrokenExecutor)
    assert engine.blames_the_machine(lost)
    assert [*engine.waiting] == [second]
    assert not second.future.done()


@pytest.mark.parametrize("state", ["TIMEOUT", "OUT_OF_MEMORY", "FORGOTTEN"])
def test_a_call_that_was_asked_too_little_for_is_done_again_with_all(ended, state):
    engine, (first, second) = ended(Ended(state, 0, 15))

    assert [*engine.waiting] == [first, second]
    assert (first.in_full, second.in_full) == (True, False)
    assert "quick" not in engine.needed  # what was known was too little
    engine._lose("1_1", Task(Path("place"), [first]))
    assert isinstance(first.future.exception(timeout=0), BrokenExecutor)


def test_want_of_memory_is_not_the_fault_of_the_machine():
    assert not Ended("OUT_OF_MEMORY", 0, 9).blameless
    assert Ended("CANCELLED", 0, 15).blameless
    assert not Ended("FAILED", 7, 0).blameless


def test_a_task_that_cannot_begin_is_one_message(ended):
    with pytest.raises(
        ClusterFault, match=r"^Slurm task 1_0 left no .*: FAILED, exit code 127; it"
    ):
        ended(Ended("FAILED", 127, 0), begun=False)


@pytest.mark.usefixtures("slurm")
def test_calls_that_share_a_task_lose_only_the_one_that_ends_it():
    with clusters.slurm_at_hand() as engine:
        alone = engine.submit(os.getpid, 2, "quick").result(timeout=60)
        die = partial(os._exit, 7)
        shared = [engine.submit(call, 2, "quick") for call in [os.getpid, die, os.getpid] * 2]
        other = engine.submit(os.getpid, 2, "unknown")
        apart = other.result(timeout=60)
        results = [None if one.exception(timeout=60) else one.result() for one in shared]

    assert [results[1], results[4]] == [None, None]
    assert apart not in results
    assert isinstance(shared[1].exception(), BrokenExecutor)
    # Two tasks, and those that go on behind the lost calls.
    assert len({results[0], results[2], results[3], results[5]} - {alone}) == 4
