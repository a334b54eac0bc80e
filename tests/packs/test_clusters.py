"""Whole sweeps on real schedulers: the same tables as here, whatever ends meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import clusters
import pytest
from command import command, python

from regsweep.data.source import default_root
from regsweep.records import sweep_file
from regsweep.records.record import read
from regsweep.sweep.processor import processor

SWEEP = (
    *("-m", "regularizer=none,l1", "trainer.device=cpu", "trainer.epochs=1"),
    *("data.train_size=2000", "data.validation_size=2000"),
    *("hydra.sweeper.n_trials=2", "hydra.sweeper.confirm_seeds=2"),
    "hydra.sweeper.max_confirm_seeds=2",
)
TWO_RUNS = (
    *("-m", "hydra/sweeper=basic", "regularizer=none", "seed=1,2", "trainer.epochs=200"),
    *("trainer.device=cpu", "trainer.compile=false", "hydra.launcher.pack_size=1"),
    *("data.train_size=2000", "data.validation_size=2000", "hydra.launcher.workers=2"),
)
LONG = ("trainer.epochs=20000", "trainer.compile=false", "hydra.launcher.pack_size=1")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The bytes of the tables of a sweep on this machine's cores."""
    folder = tmp_path_factory.mktemp("local")
    done = command(*SWEEP, "hydra.sweep.dir=swept", cwd=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "swept" / "comparison.csv").read_bytes()


def sweep_on(folder, launcher, *asked, **environment):
    """The folder of a finished sweep."""
    words = (*SWEEP, f"hydra/launcher={launcher}", "hydra.sweep.dir=swept", *asked)
    done = command(*words, cwd=folder, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "swept"


@contextmanager
def begun(folder, launcher, *asked, sweep=(*SWEEP, *LONG), **environment):
    """A sweep, in a process group of its own, which ends with the context."""
    words = (*sweep, *asked, f"hydra/launcher={launcher}", "hydra.sweep.dir=swept")
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "regsweep", *words],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where this process ignores interrupts, as in the background of a script.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as sweep:
        try:
            yield sweep
        finally:
            if sweep.poll() is None:
                os.killpg(sweep.pid, signal.SIGKILL)


def until(is_so, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found
    return found


def at_work(folder):
    """The processes that have burned a second and whose command was given in ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") != str(folder):
                continue
            times = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if times[0] != "Z" and int(times[11]) > 2 * os.sysconf("SC_CLK_TCK"):
            found.append(int(process.name))
    return found


def test_a_sweep_by_a_ray_of_its_own_is_that_of_this_machine(tmp_path, compared):
    pytest.importorskip("ray", reason="needs Ray")
    swept = sweep_on(tmp_path, "pack_ray")

    assert (swept / "comparison.csv").read_bytes() == compared
    assert not list(swept.glob(".seen-*"))


def is_child(process):
    """Whether it is one in which a worker of a cluster runs packs."""
    return b"regsweep.packs.engines.child" in Path(f"/proc/{process}/cmdline").read_bytes()


def statuses(folder):
    return [read(path).status for path in folder.glob("swept/**/record.json")]


@pytest.fixture(scope="module")
def scheduler():
    with clusters.dask_scheduler() as address, clusters.dask_worker(address, threads=2):
        yield address


def data_in(folder):
    """Where ``folder`` has MNIST now."""
    raw = default_root().expanduser() / "MNIST" / "raw"
    shutil.copytree(raw, folder / "data" / "MNIST" / "raw")
    return str(folder / "data")


@pytest.fixture
def hidden(tmp_path):
    """A folder, and a Dask scheduler whose worker has an empty one in its place."""
    folder = tmp_path / "hidden"
    folder.mkdir()
    if not (within := clusters.without(folder)):
        pytest.skip("needs a mount")
    with (
        clusters.dask_scheduler() as address,
        clusters.dask_worker(address, threads=2, within=within),
    ):
        yield folder, f"hydra.launcher.address={address}"


def test_workers_that_see_neither_folder_nor_data_are_sent_them_and_send_results(hidden, compared):
    folder, address = hidden

    swept = sweep_on(folder, "pack_dask", address, REGSWEEP_DATA=data_in(folder))

    assert (swept / "comparison.csv").read_bytes() == compared


STUDY = """
import regsweep
from beside import hidden
from torch import nn

@regsweep.model
def mine(shape: tuple[int, ...], outputs: int, width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *hidden(shape, width), nn.Linear(width, outputs))

if __name__ == "__main__":
    regsweep.main()
"""
BESIDE = """
from math import prod
from torch import nn

def hidden(shape, width):
    return nn.Linear(prod(shape), width), nn.ReLU()
"""


def test_a_study_travels_with_the_modules_beside_it(hidden):
    folder, address = hidden
    (folder / "study.py").write_text(STUDY)
    (folder / "beside.py").write_text(BESIDE)
    asked = ("model=mine", "hydra/launcher=pack_dask", address, "hydra.sweep.dir=swept")

    done = python("study.py", *TWO_RUNS, "trainer.epochs=1", *asked, cwd=folder)

    assert (done.returncode, done.stderr) == (0, "")
    assert statuses(folder) == ["completed"] * 2


def test_a_killed_worker_loses_nothing(tmp_path):
    with clusters.dask_scheduler() as address, clusters.dask_worker(address):
        asked = ("pack_dask", f"hydra.launcher.address={address}")
        with (
            clusters.dask_worker(address) as victim,
            begun(tmp_path, *asked, sweep=TWO_RUNS) as sweep,
        ):
            until(lambda: len({*at_work(tmp_path)} - {sweep.pid}) == 2)  # a child for each
            victim.kill()
            said = sweep.communicate(timeout=240)
    assert sweep.returncode == 0, said
    assert statuses(tmp_path) == ["completed"] * 2


def test_a_killed_node_loses_nothing_and_a_killed_head_is_one_message(tmp_path):
    with clusters.ray_head() as (head, address, environment):
        asked = ("pack_ray", f"hydra.launcher.address={address}")
        with (
            clusters.ray_node(environment, f"--address={address}") as victim,
            begun(tmp_path, *asked, sweep=TWO_RUNS, **environment) as sweep,
        ):
            until(lambda: sum(map(is_child, at_work(tmp_path))) == 2)  # one for each
            os.killpg(victim.pid, signal.SIGKILL)
            said = sweep.communicate(timeout=240)
        assert sweep.returncode == 0, said
        assert statuses(tmp_path) == ["completed"] * 2

        shutil.rmtree(tmp_path / "swept")
        with begun(tmp_path, *asked, **environment) as sweep:
            until(lambda: any(map(is_child, at_work(tmp_path))))
            os.killpg(head.pid, signal.SIGKILL)
            _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 1
    *_, first, second, third = said.strip().splitlines()  # Ray may have said something before
    assert first.startswith(f"regsweep: the Ray cluster {address}: it has gone away"), said
    assert second == "what is published is kept; to go on:"
    assert f"hydra.launcher.address={address}" in third


@pytest.mark.parametrize("how", ["interrupt", pytest.param("kill", marks=pytest.mark.full)])
def test_nothing_is_at_work_when_the_command_is_ended(tmp_path, scheduler, how):
    number = signal.SIGINT if how == "interrupt" else signal.SIGKILL
    with begun(tmp_path, "pack_dask", f"hydra.launcher.address={scheduler}") as sweep:
        until(lambda: len({*at_work(tmp_path)} - {sweep.pid}) == 2)
        sweep.send_signal(number)
        said = sweep.communicate(timeout=15)

    assert sweep.returncode == {"interrupt": 130, "kill": -signal.SIGKILL}[how], said
    until(lambda: not at_work(tmp_path), 15)
    if how == "interrupt":
        assert f"hydra.launcher.address={scheduler} hydra/launcher=pack_dask" in said[1]


def test_a_scheduler_that_goes_away_is_one_message_and_the_way_to_go_on(tmp_path):
    with ExitStack() as ends_after, ExitStack() as ends_first:
        address = ends_first.enter_context(clusters.dask_scheduler())
        ends_first.enter_context(clusters.dask_worker(address))
        asked = ("pack_dask", f"hydra.launcher.address={address}")
        sweep = ends_after.enter_context(begun(tmp_path, *asked))
        until(lambda: len(at_work(tmp_path)) == 2)
        ends_first.close()
        _, said = sweep.communicate(timeout=60)

    assert sweep.returncode == 1
    first, second, third = said.strip().splitlines()
    assert first.startswith(f"regsweep: the Dask scheduler {address}: it has gone away")
    assert second == "what is published is kept; to go on:"
    assert f"hydra.launcher.address={address}" in third


def test_no_scheduler_is_one_message(tmp_path):
    pytest.importorskip("distributed", reason="needs Dask")
    address = f"tcp://127.0.0.1:{clusters.free_port()}"
    asked = ("hydra/launcher=pack_dask", f"hydra.launcher.address={address}")

    done = command(*SWEEP, *asked, "hydra.sweep.dir=swept", cwd=tmp_path)

    assert done.returncode == 1
    said = f"regsweep: hydra.launcher.address={address}: no Dask scheduler answers there"
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "swept").exists()


def tasks():
    """The tasks that Slurm runs or has wait: how each stands, by its name."""
    lines = clusters.said_by("squeue", "-h", "-r", "-o", "%F_%K %T").splitlines()
    return dict(line.split() for line in lines)


def running():
    return [name for name, state in tasks().items() if state == "RUNNING"]


def test_a_sweep_on_slurm_is_that_of_this_machine_wherever_the_data_are(tmp_path, compared, slurm):
    asked = ("pack_slurm", "hydra.launcher.memory=1G")
    swept = sweep_on(tmp_path, *asked, REGSWEEP_DATA=data_in(slurm))

    assert (swept / "comparison.csv").read_bytes() == compared
    assert sweep_file.read(swept).settled.processor == processor()
    assert not list(swept.glob(".s*"))


@pytest.mark.usefixtures("slurm")
def test_a_drained_node_is_waited_for_and_tasks_that_are_ended_are_done_again(tmp_path):
    node = clusters.said_by("sinfo", "-h", "-o", "%n")
    clusters.said_by("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    longer = (*TWO_RUNS, "trainer.epochs=400")  # Slurm may start one after the other
    with begun(tmp_path, "pack_slurm", "hydra.launcher.memory=1G", sweep=longer) as sweep:
        try:
            until(tasks)
            time.sleep(5)  # so that it is asked why
        finally:
            clusters.said_by("scontrol", "update", f"nodename={node}", "state=resume")
        until(lambda: len({*at_work(tmp_path)} - {sweep.pid}) == 2)  # one of each task
        first, second = running()
        clusters.said_by("scancel", first)
        until(lambda: first not in tasks())
        [left] = [process for process in at_work(tmp_path) if process != sweep.pid]
        os.kill(left, signal.SIGKILL)
        until(lambda: second not in tasks())
        said = sweep.communicate(timeout=280)

    assert sweep.returncode == 0, said
    assert statuses(tmp_path) == ["completed"] * 2
    assert "Slurm has tasks wait: " in said[0]


@pytest.mark.usefixtures("slurm")
def test_an_interrupt_leaves_no_task_in_the_queue(tmp_path):
    with begun(tmp_path, "pack_slurm", "hydra.launcher.workers=4") as sweep:
        until(lambda: len(running()) == 2)
        sweep.send_signal(signal.SIGINT)
        said = sweep.communicate(timeout=15)

    assert sweep.returncode == 130, said
    until(lambda: not tasks() and not at_work(tmp_path), 15)


def test_a_machine_without_slurm_is_one_message(tmp_path):
    done = command(*SWEEP, "hydra/launcher=pack_slurm", cwd=tmp_path, PATH="/dev/null")

    said = "hydra/launcher=pack_slurm: needs Slurm's scontrol: give the command where Slurm's"
    assert done.returncode == 1
    assert done.stderr.startswith(f"regsweep: {said}")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
