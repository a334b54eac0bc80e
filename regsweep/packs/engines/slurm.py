"""Slurm as an engine: each call is a task of a job array, its answer a file in a shared folder.

Slurm is asked by its own commands. Without accounting it forgets a task soon after its end, so a
task that is gone and has left no answer is lost.
"""

import logging
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.local import KILLED
from regsweep.sweep.cluster import SlurmCluster

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 1
# An answer may reach a shared folder later than the end of its task is known.
GRACE_SECONDS = 5
# A controller that is started anew answers by then.
SILENT_SECONDS = 120
# Why a task waits that will run by itself.
IN_TURN = {"None", "Priority", "Resources", "JobArrayTaskLimit"}
# How a task ends that is not at fault.
OF_THE_CLUSTER = ("BOOT_FAIL", "CANCELLED", "NODE_FAIL", "PREEMPTED", "TIMEOUT")


@dataclass
class Task:
    """A task at work: its name in the folder, and since when Slurm no longer knows of it."""

    place: Path
    future: Future[Any]
    gone: float | None = None


class Slurm:
    """The CPUs of a partition, one a call."""

    apart = True

    def __init__(self, cluster: SlurmCluster) -> None:
        self.cluster = cluster
        self.name = f"regsweep-{uuid.uuid4().hex[:12]}"
        self.longest = 0  # an array, by Slurm's own limit
        self.folder: Path | None = None
        self.lock = threading.Lock()
        self.waiting: list[tuple[bytes, Future[Any]]] = []
        self.tasks: dict[str, Task] = {}  # by the names that squeue has for them
        self.watch: threading.Thread | None = None
        self.told: set[str] = set()
        self.answered = 0.0

    def reach(self, workers: int | None) -> int:
        """Ask Slurm; how many calls it runs at once, which are the CPUs that are up.

        Raises:
            InputError: its commands are not here, or it has no such partition.
        """
        if not self.longest:
            limit = re.search(r"MaxArraySize\s*=\s*(\d+)", _said("scontrol", "show", "config"))
            self.longest = int(limit[1]) if limit else 1
        if workers is not None:
            return workers
        asked = [f"--partition={self.cluster.partition}"] if self.cluster.partition else []
        # Allocated, idle, other and all of them, a line each partition.
        lines = [line.split("/") for line in _said("sinfo", "-h", "-o", "%C", *asked).split()]
        cpus = max((int(allocated) + int(idle) for allocated, idle, *_ in lines), default=0)
        if cpus == 0:
            raise InputError(
                f"hydra.launcher.partition={self.cluster.partition}: Slurm has no CPU there that "
                "is up; sinfo says more. hydra.launcher.workers=N does not ask"
            )
        return cpus

    def submit(self, call: Callable[[], T], at_once: int) -> Future[T]:
        """``call`` as a task, in one array with those that are submitted with it."""
        self.reach(at_once)
        future: Future[T] = Future()
        with self.lock:
            if self.folder is None:
                # Nobody else can write what is unpickled here.
                where = Path(self.cluster.folder).absolute()
                self.folder = Path(tempfile.mkdtemp(prefix=".slurm-", dir=where))
                self.answered = time.monotonic()
            self.waiting.append((pickled(call), future))
            if self.watch is None:
                self.watch = threading.Thread(target=self._watch, daemon=True)
                self.watch.start()
        return future

    def blames_the_machine(self, lost: BrokenExecutor) -> bool:
        """Whether Slurm or somebody ended the task, and not for want of memory."""
        return KILLED in str(lost)

    def dismiss(self) -> None:
        """As ``kill``: what was submitted is done by then."""
        self.kill()

    def kill(self) -> None:
        """Cancel all that was submitted, queued or running."""
        with self.lock:
            folder, self.folder, self.watch = self.folder, None, None
            at_work = bool(self.tasks)
            self.waiting.clear()
            self.tasks.clear()
        if at_work:
            _run("scancel", f"--name={self.name}")
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _watch(self) -> None:
        """Submit what waits, and hand over what has ended, until the engine lets go."""
        while True:
            time.sleep(POLL_SECONDS)
            with self.lock:
                if self.watch is not threading.current_thread():
                    return
                try:
                    self._submit_waiting()
                    self._hand_over()
                except Exception as error:  # a thread's error would be nobody's
                    self._give_up(error)
                if not self.waiting and not self.tasks:
                    self.watch = None
                    return

    def _submit_waiting(self) -> None:
        """One array of all that waits, or several where Slurm limits their length."""
        while self.waiting:
            part = self.waiting[: self.longest]
            assert self.folder is not None
            batch = self.folder / uuid.uuid4().hex[:8]
            for index, (call, _) in enumerate(part):
                Path(f"{batch}-{index}.call").write_bytes(call)
            job = _said(
                "sbatch",
                "--parsable",
                f"--job-name={self.name}",
                f"--array=0-{len(part) - 1}",
                f"--output={batch}-%a.log",
                *options(self.cluster),
                script=script(batch),
            )
            number = job.strip().partition(";")[0]
            for index, (_, future) in enumerate(part):
                self.tasks[f"{number}_{index}"] = Task(Path(f"{batch}-{index}"), future)
            del self.waiting[: len(part)]

    def _hand_over(self) -> None:
        """Give each future what came of its task: an answer, or none."""
        states = self._states()
        for name, task in list(self.tasks.items()):
            answer = task.place.with_suffix(".answer")
            if answer.exists():
                del self.tasks[name]
                settle(task.future, answer.read_bytes())
                for suffix in (".call", ".answer", ".log"):
                    task.place.with_suffix(suffix).unlink(missing_ok=True)
            elif states is None or name in states:
                task.gone = None
            elif task.gone is None:
                task.gone = time.monotonic()
            elif time.monotonic() - task.gone > GRACE_SECONDS:
                del self.tasks[name]
                task.future.set_exception(BrokenExecutor(_last_words(name, task)))
        for reason in sorted(set((states or {}).values()) - self.told - IN_TURN):
            self.told.add(reason)
            log.warning("Slurm has tasks wait: %s", reason)

    def _states(self) -> dict[str, str] | None:
        """Of each task that Slurm has why it waits; ``None`` where it does not answer.

        Raises:
            ClusterFault: it has not for long.
        """
        done = _run("squeue", "-h", "-r", f"--name={self.name}", "-o", "%F_%K|%T|%r")
        if done.returncode == 0:
            self.answered = time.monotonic()
            lines = [line.split("|") for line in done.stdout.splitlines()]
            return {name: reason if state == "PENDING" else "None" for name, state, reason in lines}
        if time.monotonic() - self.answered > SILENT_SECONDS:
            raise ClusterFault(f"Slurm does not answer: {done.stderr.strip()}")
        return None

    def _give_up(self, error: Exception) -> None:
        """No call of these comes to an end."""
        futures = [future for _, future in self.waiting]
        futures += [task.future for task in self.tasks.values()]
        self.waiting.clear()
        self.tasks.clear()
        for future in futures:
            future.set_exception(error)


def options(cluster: SlurmCluster) -> list[str]:
    """What sbatch is asked for, for each task."""
    asked = {"cpus-per-task": 1, "time": cluster.minutes, "mem": cluster.memory}
    for key in ("partition", "account", "qos", "constraint"):
        asked[key] = getattr(cluster, key)
    return [f"--{key}={value}" for key, value in asked.items() if value is not None]


def script(batch: Path) -> str:
    """What runs a task of the array ``batch``, by this Python, on one thread."""
    words = shlex.join([sys.executable, "-m", "regsweep.packs.engines.slurm_task", f"{batch}-"])
    return f'#!/bin/sh\nexport OMP_NUM_THREADS=1\nexec {words}"$SLURM_ARRAY_TASK_ID"\n'


def _last_words(name: str, task: Task) -> str:
    """How Slurm says that a task has ended, and the last that it said itself."""
    told = _run("scontrol", "-o", "show", "job", name).stdout
    state = re.search(r"JobState=(\S+)", told)
    code = re.search(r"ExitCode=(\d+):(\d+)", told)
    killed = code is not None and code[2] == "9"
    ended = state[1] if state else "forgotten by Slurm"
    of_the_cluster = state is None or ended.startswith(OF_THE_CLUSTER)
    how = f"{KILLED}, " if (killed or of_the_cluster) and ended != "OUT_OF_MEMORY" else ""
    log_file = task.place.with_suffix(".log")
    lines = log_file.read_text(errors="replace").split("\n") if log_file.exists() else []
    said = next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")
    return f"Slurm task {name} left no answer: {how}{ended}, exit code {code and code[1]}{said}"


def _said(*words: str, script: str | None = None) -> str:
    """What a command of Slurm's prints.

    Raises:
        ClusterFault: it fails.
    """
    done = _run(*words, script=script)
    if done.returncode:
        why = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise ClusterFault(f"Slurm's {words[0]}: {why}")
    return done.stdout


def _run(*words: str, script: str | None = None) -> "subprocess.CompletedProcess[str]":
    if shutil.which(words[0]) is None:
        raise InputError(
            f"hydra/launcher=pack_slurm: needs Slurm's {words[0]}: give the command where Slurm's "
            "commands are, such as on a login node"
        )
    # Of its own session: an interrupt is not for it.
    return subprocess.run(
        words,
        input=script or "",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
