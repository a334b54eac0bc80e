"""What every engine does alike; a broken engine shows that the suite would notice."""

import os
import signal
import threading
import time
import traceback
from concurrent.futures import BrokenExecutor, Future
from contextlib import ExitStack, nullcontext
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import clusters
import pytest
from loky import get_reusable_executor

from regsweep.packs.engines.choice import IN_PROCESS, LOCAL, engine_of, run_all
from regsweep.packs.engines.in_process import InProcess
from regsweep.packs.engines.local import Local
from regsweep.packs.engines.ray import Ray
from regsweep.sweep.cluster import RayCluster
from regsweep.sweep.packing import Packing

ENGINES = {
    "in process": lambda: nullcontext(IN_PROCESS),
    "local": lambda: nullcontext(LOCAL),
    "dask": clusters.dask_of_this_process,
    "dask at an address": clusters.dask_at_an_address,
    "ray at an address": clusters.ray_at_an_address,
    "slurm": clusters.slurm_at_hand,
}
APART = [name for name in ENGINES if name != "in process"]


@pytest.fixture(scope="module")
def engines(request):
    """Gives an engine by its name; what is started stays for the module's tests."""

    def begun(name):
        if name == "slurm":
            request.getfixturevalue("slurm")
        return stack.enter_context(ENGINES[name]())

    with ExitStack() as stack:
        yield cache(begun)


@pytest.fixture(params=ENGINES)
def engine(request, engines):
    return engines(request.param)


@pytest.fixture(params=APART)
def apart(request, engines):
    return engines(request.param)


def square(number):
    return number * number


def wrong(number):
    raise ValueError(f"not {number}")


def die(how):
    os.kill(os.getpid(), how)


def results_are_those_of_their_calls(engine):
    futures = [engine.submit(partial(square, number), 2) for number in range(7)]
    assert [future.result(timeout=60) for future in futures] == [0, 1, 4, 9, 16, 25, 36]


def an_error_is_that_of_its_call(engine):
    futures = [engine.submit(partial(call, 3), 2) for call in (square, wrong, square)]

    assert [type(future.exception(timeout=60)) for future in futures] == [
        type(None),
        ValueError,
        type(None),
    ]
    assert str(futures[1].exception()) == "not 3"
    assert "in wrong" in "".join(traceback.format_exception(futures[1].exception()))


def a_second_round_follows_the_first(engine):
    for number in (2, 3):
        assert engine.submit(partial(square, number), 1).result(timeout=60) == number**2


def the_end_of_an_unused_engine_is_none(engine):
    engine.dismiss()
    engine.kill()

    assert engine.submit(partial(square, 2), 1).result(timeout=60) == 4


def the_first_error_ends_all_calls(engine):
    run_all(engine, [], 2)
    with pytest.raises(ValueError, match="not 5"):
        run_all(engine, [partial(square, 2), partial(wrong, 5)], 2)

    assert engine.submit(partial(square, 2), 1).result(timeout=60) == 4


CONTRACT = (
    results_are_those_of_their_calls,
    an_error_is_that_of_its_call,
    a_second_round_follows_the_first,
    the_end_of_an_unused_engine_is_none,
    the_first_error_ends_all_calls,
)


@pytest.mark.parametrize("clause", CONTRACT)
def test_an_engine_keeps_the_contract(engine, clause):
    clause(engine)


class LosesErrors(InProcess):
    """Gives nothing where it should give an error."""

    def submit(self, call, at_once):
        future = super().submit(call, at_once)
        if future.exception():
            future = Future()
            future.set_result(None)
        return future


class MixesUp(InProcess):
    """Gives the result of the call before."""

    last = None

    def submit(self, call, at_once):
        future, self.last = self.last, super().submit(call, at_once)
        return future or self.last


@pytest.mark.parametrize(
    ("broken", "clauses"),
    [
        (
            LosesErrors,
            (an_error_is_that_of_its_call, the_first_error_ends_all_calls),
        ),
        (MixesUp, (results_are_those_of_their_calls, a_second_round_follows_the_first)),
    ],
)
def test_a_broken_engine_is_found(broken, clauses):
    for clause in clauses:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            clause(broken())


def appended(path, seconds):
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)


def state():
    return os.getpid(), os.environ.get("OMP_NUM_THREADS"), os.getcwd()


PATIENCE = 15


def until(is_so, seconds=None):
    deadline = time.monotonic() + (seconds or PATIENCE)
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_so()


def is_there(process):
    """Whether a process runs; one that is over and not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def a_lost_process_is_no_error_of_a_call(apart):
    exits = apart.submit(partial(os._exit, 7), 1)
    assert isinstance(exits.exception(timeout=60), BrokenExecutor)
    assert not apart.blames_the_machine(exits.exception())

    killed = apart.submit(partial(die, signal.SIGKILL), 1)
    assert isinstance(killed.exception(timeout=60), BrokenExecutor)
    assert apart.blames_the_machine(killed.exception())
    assert apart.submit(partial(square, 2), 1).result(timeout=60) == 4


def calls_work_where_the_command_does_on_one_thread(apart):
    process, threads, folder = apart.submit(state, 1).result(timeout=60)

    assert process != os.getpid()
    assert (threads, folder) == ("1", os.getcwd())


def what_is_killed_ends(apart):
    with TemporaryDirectory() as folder:
        noted = Path(folder, "noted")
        apart.submit(partial(appended, noted, 600), 1)
        until(noted.exists, 60)
        process = int(noted.read_text())

        apart.kill()

        until(lambda: not is_there(process))
    assert apart.submit(state, 1).result(timeout=60)[0] != process


def what_is_dismissed_is_not_used_again(apart):
    process = apart.submit(state, 1).result(timeout=60)[0]
    apart.dismiss()

    assert apart.submit(state, 1).result(timeout=60)[0] != process


CONTRACT_APART = (
    a_lost_process_is_no_error_of_a_call,
    calls_work_where_the_command_does_on_one_thread,
    what_is_killed_ends,
    what_is_dismissed_is_not_used_again,
)


@pytest.mark.parametrize("clause", CONTRACT_APART)
def test_an_engine_in_other_processes_keeps_the_contract(apart, clause):
    clause(apart)


def gpus():
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize("name", ["ray at an address", "slurm"])
def test_a_call_for_a_gpu_has_one_to_itself(engines, name):
    plain = engines(name)
    plain.kill()
    ray = clusters.used(Ray(RayCluster(getattr(plain, "address", None), gpu=True)))
    with clusters.slurm_at_hand(gpu=True) if name == "slurm" else ray as engine:
        assert engine.reach(None) == 1
        assert engine.submit(gpus, 1).result(timeout=60) == "0"


class BlamesNothing(Local):
    def blames_the_machine(self, lost):
        return False


class Stays(Local):
    def dismiss(self): ...


class LetsThemLive(Local):
    def kill(self):
        self.pool = None


@pytest.mark.parametrize(
    ("broken", "clause"),
    [
        (BlamesNothing, a_lost_process_is_no_error_of_a_call),
        (InProcess, calls_work_where_the_command_does_on_one_thread),
        (LetsThemLive, what_is_killed_ends),
        (Stays, what_is_dismissed_is_not_used_again),
    ],
)
def test_a_broken_engine_in_other_processes_is_found(broken, clause, monkeypatch):
    monkeypatch.setitem(globals(), "PATIENCE", 2)
    try:
        with pytest.raises(AssertionError):
            clause(broken())
    finally:  # whatever the engine has forgotten, loky has not
        get_reusable_executor(1, reuse=False, kill_workers=True).shutdown()


def test_in_process_is_this_process_and_this_thread():
    future = IN_PROCESS.submit(lambda: (os.getpid(), threading.current_thread()), 1)

    assert future.result(timeout=0) == (os.getpid(), threading.current_thread())


def test_an_interrupt_ends_what_is_done_in_this_process():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            IN_PROCESS.submit(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep(10)), 1)
    finally:
        signal.signal(signal.SIGINT, before)


def test_no_workers_is_this_process():
    assert engine_of(Packing(None, 0)) is IN_PROCESS
    assert engine_of(Packing(None, 1)) is engine_of(Packing(None, None)) is LOCAL
