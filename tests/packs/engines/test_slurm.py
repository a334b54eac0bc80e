"""What Slurm is asked for, and what becomes of calls whose task has ended without an answer."""

import os
import time
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from pathlib import Path

import clusters
import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines import slurm, slurm_task
from regsweep.packs.engines.slurm import (
    Asked,
    Call,
    Ended,
    Needed,
    Slurm,
    Task,
    asked_for,
    gpus_in,
    options,
)
from regsweep.packs.engines.slurm_task import BEGUN, hand_in

FOLDER = "unused"
CLUSTER = clusters.slurm_cluster(FOLDER)


QUICK = Needed([1.0, 10.0], 100 * 2**20)


def asked_of(*needed):
    return options(CLUSTER, asked_for(CLUSTER, Needed(*needed)))


def test_what_the_keys_say_is_asked_for_until_calls_have_told_what_they_need():
    assert asked_of() == ["--cpus-per-task=1", "--time=60", "--mem=1024M"]
    # Three times what the longest took, five minutes of a task, and two for its start.
    known = options(CLUSTER, asked_for(CLUSTER, QUICK))
    assert known == ["--cpus-per-task=1", "--time=8", "--mem=812M"]


def test_no_more_is_asked_for_than_the_keys_say():
    assert asked_of([1e6], 2**40) == asked_of()


@pytest.mark.parametrize(
    ("age", "asked", "needed", "takes"),
    [
        (0, Asked(60, None), Needed(), False),  # nothing is known
        (0, Asked(60, None), QUICK, True),
        (290, Asked(60, None), QUICK, True),
        (296, Asked(60, None), QUICK, False),  # old enough
        (35, Asked(1, None), QUICK, True),
        (45, Asked(1, None), QUICK, False),  # Slurm would end it
        (0, asked_for(CLUSTER, QUICK), QUICK, True),
        (0, asked_for(CLUSTER, QUICK), Needed([1.0], 140 * 2**20), True),
        (0, asked_for(CLUSTER, QUICK), Needed([1.0], 160 * 2**20), False),  # more than it has
    ],
)
def test_a_task_takes_another_call_while_it_has_room_for_it(age, asked, needed, takes):
    task = Task(Path("unused"), asked, None, began=time.monotonic() - age)

    assert task.takes(needed) is takes


def test_a_gpu_is_asked_for_where_packs_are_for_one():
    gpu = clusters.slurm_cluster(FOLDER, gpu=True, partition="long")

    assert {"--gres=gpu:1", "--partition=long"} < {*options(gpu, Asked(1, None))}
    assert not any("gres" in one for one in asked_of())


def test_gpus_are_counted_once_a_node():
    said = "n1 gpu:2\nn1 gpu:2\nn2 gpu:a100:4(S:0-1),shard:8\nn3 (null)\nn4 gpu:v100:1,gpu:a30:2\n"

    assert gpus_in(said) == 2 + 4 + 3


@pytest.fixture
def ended(monkeypatch, tmp_path):
    """Has an engine find that a task has ended so, without an answer to its call."""

    def end(how, begun=True):
        monkeypatch.setattr(slurm, "_how_it_ended", lambda name: how)
        engine = Slurm(CLUSTER)
        engine.needed["quick"].seconds.append(1.0)
        call = Call(b"", Future(), "quick")
        task = Task(tmp_path / "place", Asked(1, None), call)
        if begun:
            task.place.with_suffix(BEGUN).touch()
        engine._lose("1_0", task, call)
        return engine, task

    return end


def test_the_call_of_a_task_that_was_killed_is_lost_by_no_fault_of_its_own(ended):
    engine, task = ended(Ended("FAILED", 0, 9))

    lost = task.call.future.exception(timeout=0)
    assert isinstance(lost, BrokenExecutor)
    assert engine.blames_the_machine(lost)
    assert not engine.waiting


@pytest.mark.parametrize("state", ["TIMEOUT", "OUT_OF_MEMORY", "FORGOTTEN"])
def test_a_call_that_was_asked_too_little_for_is_done_again_with_all(ended, state):
    engine, task = ended(Ended(state, 0, 15))

    assert [*engine.waiting] == [task.call]
    assert task.call.in_full
    assert "quick" not in engine.needed  # what was known was too little
    engine._lose("1_1", task, task.call)
    assert isinstance(task.call.future.exception(timeout=0), BrokenExecutor)


def test_want_of_memory_is_not_the_fault_of_the_machine():
    assert not Ended("OUT_OF_MEMORY", 0, 9).blameless
    assert Ended("CANCELLED", 0, 15).blameless
    assert not Ended("FAILED", 7, 0).blameless


def test_a_task_that_cannot_begin_is_one_message(ended):
    with pytest.raises(
        ClusterFault, match=r"^Slurm task 1_0 left no .*: FAILED, exit code 127; it"
    ):
        ended(Ended("FAILED", 127, 0), begun=False)


def test_a_task_ends_that_no_call_has_come_for_and_says_so(tmp_path, monkeypatch):
    place = tmp_path / "place"
    assert hand_in(place, 0, b"call")
    assert slurm_task.next_call(place, 0) == b"call"

    monkeypatch.setattr(slurm_task, "LINGER_SECONDS", 0)
    assert slurm_task.next_call(place, 1) is None
    assert not hand_in(place, 1, b"late")


def test_a_task_ends_that_is_given_none_or_whose_folder_is_gone(tmp_path):
    assert hand_in(tmp_path / "place", 0, None)
    assert slurm_task.next_call(tmp_path / "place", 0) is None
    assert slurm_task.next_call(tmp_path / "gone" / "place", 0) is None


@pytest.mark.usefixtures("slurm")
def test_calls_of_a_known_kind_share_tasks_and_lose_only_the_one_that_ends_its_task():
    with clusters.slurm_at_hand() as engine:
        alone = engine.submit(os.getpid, 1, "quick").result(timeout=60)
        die = partial(os._exit, 7)
        shared = [engine.submit(call, 1, "quick") for call in [os.getpid, die, os.getpid] * 2]
        other = engine.submit(os.getpid, 1, "unknown")
        apart = other.result(timeout=60)
        results = [None if one.exception(timeout=60) else one.result() for one in shared]

    first, lost, second, third, lost_too, fourth = results
    assert first == alone
    assert lost is lost_too is None
    assert isinstance(shared[1].exception(), BrokenExecutor)
    assert second == third
    assert len({alone, second, fourth, apart}) == 4


@pytest.mark.usefixtures("slurm")
def test_a_task_waits_for_the_next_round_and_no_longer():
    with clusters.slurm_at_hand() as engine:
        first = engine.submit(os.getpid, 1, "quick").result(timeout=60)
        time.sleep(3)
        assert engine.submit(os.getpid, 1, "quick").result(timeout=60) == first
        deadline = time.monotonic() + slurm_task.LINGER_SECONDS + 20
        while clusters.said_by("squeue", "-h", f"--name={engine.name}"):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert engine.submit(os.getpid, 1, "quick").result(timeout=60) != first
