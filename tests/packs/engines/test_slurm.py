"""What Slurm is asked for, and what becomes of calls whose task has ended without an answer."""

import os
import re
import threading
import time
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from pathlib import Path

import clusters
import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines import slurm, slurm_task
from regsweep.packs.engines.slurm import (
    MOST_FRUITLESS,
    Asked,
    Call,
    Ended,
    Needed,
    Slurm,
    Task,
    all_of,
    asked_for,
    gpus_in,
    options,
)
from regsweep.packs.engines.slurm_task import ANSWER, TOOK, file_at, hand_in

FOLDER = "unused"
CLUSTER = clusters.slurm_cluster(FOLDER)


FULL = Asked(60, 2**30)
QUICK = Needed(10.0, 100 * 2**20)
LESS = asked_for(FULL, QUICK)


def test_what_the_keys_say_is_asked_for_until_calls_have_told_what_they_need():
    assert options(CLUSTER, all_of(CLUSTER)) == ["--cpus-per-task=1", "--time=60", "--mem=1024M"]
    assert asked_for(FULL, None) == all_of(CLUSTER) == FULL
    # Three times what the longest took, five minutes of a task, and two for its start.
    assert options(CLUSTER, LESS) == ["--cpus-per-task=1", "--time=8", "--mem=812M"]


def test_no_more_is_asked_for_than_the_keys_say():
    assert asked_for(FULL, Needed(1e6, 2**40)) == FULL
    assert asked_for(Asked(60, None), QUICK) == Asked(8, None)


@pytest.mark.parametrize(
    ("age", "asked", "needed", "takes"),
    [
        (0, FULL, None, True),
        (299, FULL, None, True),
        (301, FULL, None, False),  # old enough
        (50, Asked(5, 2**30), None, False),  # more may be needed
        (0, FULL, QUICK, True),
        (289, FULL, QUICK, True),
        (291, FULL, QUICK, False),
        (39, Asked(1, 2**30), QUICK, True),
        (41, Asked(1, 2**30), QUICK, False),  # Slurm would end it
        (0, LESS, QUICK, True),
        (0, LESS, Needed(10.0, 140 * 2**20), True),
        (0, LESS, Needed(10.0, 160 * 2**20), False),  # more than it has
        (0, FULL, Needed(10.0, 2**30), True),  # no other has more
        (0, Asked(60, None), QUICK, True),
    ],
)
def test_a_task_takes_another_call_while_it_has_room_for_it(age, asked, needed, takes):
    full = Asked(60, asked.memory and 2**30)
    task = Task(Path("unused"), asked, number=1, began=time.monotonic() - age)

    assert task.takes(needed, full, in_full=False) is takes


def test_a_call_that_was_asked_too_little_for_has_a_task_of_its_own():
    assert Task(Path("unused"), FULL).takes(None, FULL, in_full=True)
    assert not Task(Path("unused"), LESS).takes(None, FULL, in_full=True)
    assert not Task(Path("unused"), FULL, number=1, began=time.monotonic()).takes(
        None, FULL, in_full=True
    )


def test_what_was_asked_for_a_call_is_enough_for_it():
    # Twice what others have needed is more than all that may be asked for.
    tight = Asked(1, 2**30)
    task = Task(Path("unused"), asked_for(tight, Needed(50.0, 2**30)))

    assert task.takes(Needed(50.0, 2**30), tight, in_full=False)


def test_a_gpu_is_asked_for_where_packs_are_for_one():
    gpu = clusters.slurm_cluster(FOLDER, gpu=True, partition="long")

    assert {"--gres=gpu:1", "--partition=long"} < {*options(gpu, FULL)}
    assert not any("gres" in one for one in options(CLUSTER, FULL))


def test_gpus_are_counted_once_a_node():
    said = "n1 gpu:2\nn1 gpu:2\nn2 gpu:a100:4(S:0-1),shard:8\nn3 (null)\nn4 gpu:v100:1,gpu:a30:2\n"

    assert gpus_in(said) == 2 + 4 + 3


@pytest.fixture
def lost(monkeypatch, tmp_path):
    """Has an engine find that a task has ended so, without an answer to its call."""
    engine = Slurm(CLUSTER)
    engine.needed["quick"] = QUICK

    def lose(call, how, took=True):
        monkeypatch.setattr(slurm, "_how_it_ended", lambda name: how)
        task = Task(tmp_path / "place", FULL, call, began=0.0)
        if took:
            file_at(task.place, TOOK, 0).touch()
        engine._lose("1_0", task)
        return engine

    return lose


def waiting(engine):
    return [call for calls in engine.waiting.values() for call in calls]


def test_the_call_of_a_task_that_was_killed_is_lost_by_no_fault_of_its_own(lost):
    call = Call(b"", Future(), "quick")
    engine = lost(call, Ended("FAILED", 0, 9))

    error = call.future.exception(timeout=0)
    assert isinstance(error, BrokenExecutor)
    assert engine.blames_the_machine(error)
    assert not engine.waiting


@pytest.mark.parametrize("state", ["TIMEOUT", "OUT_OF_MEMORY", "FORGOTTEN"])
def test_a_call_that_was_asked_too_little_for_is_done_again_with_all(lost, state):
    call = Call(b"", Future(), "quick")
    engine = lost(call, Ended(state, 0, 15))

    assert waiting(engine) == [call]
    assert call.in_full
    assert "quick" not in engine.needed  # what was known was too little
    lost(call, Ended(state, 0, 15))
    assert isinstance(call.future.exception(timeout=0), BrokenExecutor)


def test_a_call_that_no_task_has_taken_waits_again_though_not_for_ever(lost):
    call = Call(b"", Future(), "quick")
    for _ in range(MOST_FRUITLESS):
        engine = lost(call, Ended("CANCELLED", 0, 15), took=False)
        assert waiting(engine) == [call]
        assert not call.in_full
        engine.waiting.clear()

    lost(call, Ended("CANCELLED", 0, 15), took=False)
    assert isinstance(call.future.exception(timeout=0), BrokenExecutor)


def test_an_answer_that_cannot_be_read_ends_all_calls(tmp_path):
    engine, calls = Slurm(CLUSTER), [Call(b"", Future()) for _ in range(3)]
    engine.folder, engine.watch = tmp_path, threading.current_thread()
    engine.tasks = {str(i): Task(tmp_path / str(i), FULL, calls[i], began=0.0) for i in range(2)}
    engine._wait(calls[2])
    file_at(tmp_path / "0", ANSWER, 0).touch()

    engine._watch()

    assert [type(call.future.exception(timeout=0)) for call in calls] == [EOFError] * 3


def test_want_of_memory_is_not_the_fault_of_the_machine():
    assert not Ended("OUT_OF_MEMORY", 0, 9).blameless
    assert Ended("CANCELLED", 0, 15).blameless
    assert not Ended("FAILED", 7, 0).blameless


@pytest.mark.usefixtures("slurm")
def test_a_task_that_cannot_begin_is_one_message(monkeypatch):
    monkeypatch.setattr(slurm, "script", lambda batch: "#!/bin/sh\nexec /no/python\n")
    with clusters.slurm_at_hand() as engine:
        calls = [engine.submit(os.getpid, 2) for _ in range(3)]
        errors = [call.exception(timeout=60) for call in calls]

    said = r"^Slurm task \S+_\d left no answer: FAILED, exit code 127: .*; it has not begun: "
    assert all(isinstance(one, ClusterFault) and re.match(said, str(one)) for one in errors)


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


def napping():
    time.sleep(1)
    return os.getpid()


@pytest.mark.usefixtures("slurm")
def test_a_task_takes_one_call_after_the_other_and_loses_the_one_that_ends_it():
    with clusters.slurm_at_hand() as engine:
        die = partial(os._exit, 7)
        calls = [engine.submit(call, 1, "quick") for call in [os.getpid, die, os.getpid] * 2]
        results = [None if one.exception(timeout=60) else one.result() for one in calls]

    first, lost, second, third, lost_too, fourth = results
    assert lost is lost_too is None
    assert isinstance(calls[1].exception(), BrokenExecutor)
    assert second == third
    assert len({first, second, fourth}) == 3


@pytest.mark.usefixtures("slurm")
def test_tasks_that_still_queue_are_not_waited_for_and_end_with_what_waits():
    with clusters.slurm_at_hand() as engine:
        calls = [engine.submit(napping, 6, "quick") for _ in range(6)]
        at_work = {call.result(timeout=60) for call in calls}
        deadline = time.monotonic() + slurm_task.LINGER_SECONDS / 2
        asked = ("squeue", "-h", "-r", "-t", "PENDING", f"--name={engine.name}")
        while clusters.said_by(*asked):
            assert time.monotonic() < deadline
            time.sleep(0.2)

    assert len(at_work) == 2  # the CPUs of the node


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
        [_] = {name.partition(".")[0] for name in os.listdir(engine.folder)}  # the second's place
