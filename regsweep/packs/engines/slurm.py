"""Slurm as an engine: tasks of job arrays do the calls, and leave answers in a shared folder.

A task is given a call once it has begun, and further ones as it answers. Slurm is asked by its own
commands. Without accounting it forgets a task soon after its end, so a task that is gone and has
left no answer is lost.
"""

import logging
import math
import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.local import KILLED
from regsweep.packs.engines.peers import Peer, peer
from regsweep.packs.engines.slurm_task import ANSWER, BEGUN, TOOK, file_at, hand_in
from regsweep.sweep.cluster import SlurmCluster

log = logging.getLogger(__name__)

T = TypeVar("T")

# How often answers are looked for, and how often Slurm is asked.
LOOK_SECONDS = 0.2
POLL_SECONDS = 1
# An answer may reach a shared folder later than the end of its task is known.
GRACE_SECONDS = 5
# A controller that is started anew answers by then.
SILENT_SECONDS = 120
# A task costs seconds to start: it takes further calls until it is so old.
TASK_SECONDS = 300
# What is asked for, of what calls have needed so far; and beside that, for the start of a task.
ROOM = 3
START_MINUTES = 2
START_BYTES = 2**29
# What is to be left of a task for another call, of what others have needed; and where that is not
# known, how much of its time may be over.
LEAST_ROOM = 2
MOST_SPENT = 0.1
# So often in a row tasks may end before they begin, or before they take a call that is theirs.
MOST_FRUITLESS = 3
# Why a task waits that will run by itself.
IN_TURN = {"None", "Priority", "Resources", "JobArrayTaskLimit"}
# How a task ends that is not at fault.
OF_THE_CLUSTER = ("BOOT_FAIL", "CANCELLED", "NODE_FAIL", "PREEMPTED", "TIMEOUT")
# How one ends that may have been asked too little for.
FOR_WANT = ("TIMEOUT", "OUT_OF_MEMORY", "FORGOTTEN")


@dataclass(eq=False)  # each is itself alone
class Call:
    """A call, pickled, and what kind it is of.

    ``in_full`` is one that needs more than those of its kind before it. ``untaken`` is how many
    tasks have ended that it was given to and that had not taken it.
    """

    pickled: bytes
    future: Future[Any]
    kind: Hashable = None
    in_full: bool = False
    untaken: int = 0


@dataclass
class Needed:
    """What calls of a kind have needed so far: the most seconds, and the most bytes of a task."""

    seconds: float = 0.0
    memory: int = 0


@dataclass(frozen=True)
class Asked:
    """The time and memory that are asked for: minutes, and bytes where any are."""

    minutes: int
    memory: int | None

    def holds(self, minutes: float, memory: int | None) -> bool:
        """Whether it is so much at least."""
        enough = self.memory is None or (memory is not None and memory <= self.memory)
        return minutes <= self.minutes and enough


@dataclass
class Task:
    """A task that was submitted: its place in the folder, what was asked for, its call if any.

    It has answered ``number`` others, and began at ``began`` of this process's clock. One that is
    ``over`` is given nothing more. ``gone`` is since when Slurm no longer knows of it.
    """

    place: Path
    asked: Asked
    call: Call | None = None
    number: int = 0
    began: float | None = None
    over: bool = False
    gone: float | None = None

    @property
    def coming(self) -> bool:
        """Whether it has yet to begin."""
        return self.began is None and not self.over

    @property
    def free(self) -> bool:
        """Whether it has begun, and is at no call."""
        return self.began is not None and self.call is None and not self.over

    def takes(self, needed: Needed | None, full: Asked, *, in_full: bool) -> bool:
        """Whether it has room for a call of a kind that has ``needed`` so much, if that is known.

        ``full`` is all that may be asked for; one that is ``in_full`` wants a task of its own.
        """
        wanted = asked_for(full, needed)
        if self.number == 0 and self.asked.holds(wanted.minutes, wanted.memory):
            return True
        if in_full:
            return False
        age = 0.0 if self.began is None else time.monotonic() - self.began
        if needed is None:
            spent = age / (60 * self.asked.minutes)
            return age <= TASK_SECONDS and spent <= MOST_SPENT and self.asked == full
        memory = START_BYTES + LEAST_ROOM * needed.memory
        least = memory if full.memory is None else min(memory, full.memory)
        minutes = (age + LEAST_ROOM * needed.seconds) / 60
        return age + needed.seconds <= TASK_SECONDS and self.asked.holds(minutes, least)


@dataclass(frozen=True)
class Ended:
    """How a task has ended: its state, as Slurm has it, and what its process left behind."""

    state: str
    code: int
    signal: int

    @property
    def blameless(self) -> bool:
        """Whether Slurm or somebody ended it, and not for want of memory."""
        of_the_cluster = self.state.startswith((*OF_THE_CLUSTER, "FORGOTTEN"))
        return of_the_cluster or (self.signal == 9 and self.state != "OUT_OF_MEMORY")


class Slurm:
    """The CPUs of a partition, or its GPUs, one a task."""

    apart = True
    takes_all = True

    def __init__(self, cluster: SlurmCluster) -> None:
        self.cluster = cluster
        self.name = f"regsweep-{uuid.uuid4().hex[:12]}"
        self.longest = 0  # an array, by Slurm's own limit
        self.at_once = 1
        self.folder: Path | None = None
        self.lock = threading.RLock()  # what comes of a call may have another submitted
        self.full = all_of(cluster)
        # By kind, and whether in full.
        self.waiting: dict[tuple[Hashable, bool], deque[Call]] = {}
        self.tasks: dict[str, Task] = {}  # by the names that squeue has for them
        self.needed: dict[Hashable, Needed] = {}
        self.fruitless = 0  # how often tasks have ended before they began, since one has begun
        self.watch: threading.Thread | None = None
        self.told: set[str] = set()
        self.answered = 0.0

    def reach(self, workers: int | None) -> int:
        """Ask Slurm; how many tasks it runs at once, by the CPUs, or GPUs, that are up.

        Raises:
            InputError: its commands are not here, or it has no such partition.
        """
        if not self.longest:
            limit = re.search(r"MaxArraySize\s*=\s*(\d+)", _said("scontrol", "show", "config"))
            self.longest = int(limit[1]) if limit else 1
        if workers is not None:
            return workers
        asked = [f"--partition={self.cluster.partition}"] if self.cluster.partition else []
        count = _gpus if self.cluster.gpu else _cpus
        if (found := count(asked)) == 0:
            raise InputError(
                f"hydra.launcher.partition={self.cluster.partition}: Slurm has no "
                f"{'GPU' if self.cluster.gpu else 'CPU'} there that is up; sinfo says more. "
                "hydra.launcher.workers=N does not ask"
            )
        return found

    def peers(self, packages: Sequence[str]) -> Mapping[str, Peer]:
        """What the node has that Slurm gives a task to; others may be met later.

        Raises:
            ClusterFault: a task cannot run regsweep there.
        """
        asked = self.submit(partial(peer, packages), 1)
        try:
            return {"of Slurm's": asked.result()}
        except BrokenExecutor as error:
            raise ClusterFault(f"a first task: {error}") from error
        finally:
            if not asked.done():  # an interrupt
                self.kill()

    def submit(self, call: Callable[[], T], at_once: int, kind: Hashable = None) -> Future[T]:
        """``call``, in one of ``at_once`` tasks; those of a ``kind`` need about as much."""
        self.reach(at_once)
        future: Future[T] = Future()
        with self.lock:
            if self.folder is None:
                # Nobody else can write what is unpickled here.
                where = Path(self.cluster.folder).absolute()
                where.mkdir(parents=True, exist_ok=True)
                self.folder = Path(tempfile.mkdtemp(prefix=".slurm-", dir=where))
            self.at_once = at_once
            self._wait(Call(pickled(call), future, kind))
            if self.watch is None:
                self.answered = time.monotonic()
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
            self.waiting.clear()
            self.tasks.clear()
        if folder is not None:
            _run("scancel", f"--name={self.name}")
            shutil.rmtree(folder, ignore_errors=True)

    def _wait(self, call: Call) -> None:
        """Have ``call`` wait for a task, behind others of its kind."""
        self.waiting.setdefault((call.kind, call.in_full), deque()).append(call)

    def _watch(self) -> None:
        """Submit tasks for what waits, and hand over what has ended, until the engine lets go."""
        asked = -math.inf
        while True:
            time.sleep(LOOK_SECONDS)
            with self.lock:
                if self.watch is not threading.current_thread():
                    return
                try:
                    self._look()
                    if self.tasks and time.monotonic() - asked >= POLL_SECONDS:
                        asked = time.monotonic()
                        self._look_for_lost()
                    self._hand_in_waiting()
                    self._submit_waiting()
                except Exception as error:  # a thread's error would be nobody's
                    self._give_up(error)
                if not self.waiting and not self.tasks:
                    self.watch = None
                    return

    def _look(self) -> None:
        """See which tasks have begun, and give each future what its task has on its call."""
        assert self.folder is not None
        there = set(os.listdir(self.folder))
        for task in self.tasks.values():
            if task.began is None and file_at(task.place, BEGUN).name in there:
                task.began, self.fruitless = time.monotonic(), 0
            file = file_at(task.place, ANSWER, task.number)
            if task.call is None or file.name not in there:
                continue
            answered, seconds, memory, age = pickle.loads(file.read_bytes())
            call, number = task.call, task.number
            task.call, task.number, task.began = None, number + 1, time.monotonic() - age
            settle(call.future, answered)
            if call.kind is not None and call.future.exception() is None:
                needed = self.needed.setdefault(call.kind, Needed())
                needed.seconds = max(needed.seconds, seconds)
                needed.memory = max(needed.memory, memory)
            _clear(task.place, f"-{number}")

    def _look_for_lost(self) -> None:
        """Ask Slurm for its tasks; those that are gone have ended, or are lost with their call."""
        states, lost = self._states(), []
        for name, task in list(self.tasks.items()):
            if states is None or name in states:
                task.gone = None
            elif task.over or task.free:
                del self.tasks[name]
                _clear(task.place)
            elif task.gone is None:
                task.gone = time.monotonic()
            elif time.monotonic() - task.gone > GRACE_SECONDS:
                lost.append(name)
        self.fruitless += any(self.tasks[name].coming for name in lost)
        for name in lost:
            self._lose(name, self.tasks[name])
            _clear(self.tasks.pop(name).place)
        for reason in sorted(set((states or {}).values()) - self.told - IN_TURN):
            self.told.add(reason)
            log.warning("Slurm has tasks wait: %s", reason)

    def _lose(self, name: str, task: Task) -> None:
        """Say what becomes of the call of ``task``, which has ended without an answer.

        Raises:
            ClusterFault: it has not begun, nor can another.
        """
        ended = _how_it_ended(name)
        said = _last_words(name, task, ended)
        call, task.call = task.call, None
        if call is None:
            if ended.state == "FAILED" or self.fruitless > MOST_FRUITLESS:
                where = f"{sys.executable} and {task.place.parent} are to be there on every node"
                raise ClusterFault(f"{said}; it has not begun: {where}")
            log.warning("%s; it has not begun, and another is asked for", said)
        elif not file_at(task.place, TOOK, task.number).exists() and call.untaken < MOST_FRUITLESS:
            call.untaken += 1
            self._wait(call)
        elif ended.state.startswith(FOR_WANT) and not call.in_full:
            call.in_full = True
            self._wait(call)
            self.needed.pop(call.kind, None)  # it was not all
        else:
            call.future.set_exception(BrokenExecutor(said))

    def _hand_in_waiting(self) -> None:
        """What waits to the tasks that are free; one that takes none of it ends."""
        at_work = sum(task.call is not None for task in self.tasks.values())
        for task in self.tasks.values():
            if not self.waiting or at_work >= self.at_once:
                return
            if not task.free or task.gone:
                continue
            like = next((like for like in self.waiting if self._takes(task, like)), None)
            call = self.waiting[like][0] if like else None
            taken = hand_in(task.place, task.number, call.pickled if call else None)
            if like and taken:
                task.call = self._next(like)
                at_work += 1
            else:  # given none, or no call has come for long
                task.over = True

    def _takes(self, task: Task, like: tuple[Hashable, bool]) -> bool:
        """Whether ``task`` has room for a call ``like`` that."""
        return task.takes(self._needed_by(like), self.full, in_full=like[1])

    def _needed_by(self, like: tuple[Hashable, bool]) -> Needed | None:
        """What others of the kind have needed; ``None`` if it is not known, or was too little."""
        kind, in_full = like
        return None if in_full else self.needed.get(kind)

    def _next(self, like: tuple[Hashable, bool]) -> Call:
        """The first that waits of those, which then waits no longer."""
        calls = self.waiting[like]
        call = calls.popleft()
        if not calls:
            del self.waiting[like]
        return call

    def _submit_waiting(self) -> None:
        """Ask for the tasks that what waits is short of; cancel those that nothing waits for."""
        short = {like: len(calls) for like, calls in self.waiting.items()}
        room = self.at_once - sum(task.call is not None for task in self.tasks.values())
        spare = []
        for name, task in self.tasks.items():
            if task.coming:
                takes = (like for like in short if short[like] and self._takes(task, like))
                if room > 0 and (like := next(takes, None)):
                    short[like] -= 1
                    room -= 1
                else:
                    spare.append(name)
        if spare:
            _run("scancel", *spare)
            for name in spare:
                self.tasks[name].over = True
        for like, count in short.items():
            while (count := min(count, room)) > 0:
                size = min(count, self.longest)
                self._submit(size, asked_for(self.full, self._needed_by(like)))
                room -= size
                count -= size

    def _submit(self, count: int, asked: Asked) -> None:
        """An array of so many tasks."""
        assert self.folder is not None
        batch = self.folder / uuid.uuid4().hex[:8]
        job = _said(
            "sbatch",
            "--parsable",
            f"--job-name={self.name}",
            f"--array=0-{count - 1}",
            f"--output={batch}-%a.log",
            "--no-requeue",  # what is lost is given again from here
            *options(self.cluster, asked),
            script=script(batch),
        )
        number = job.strip().partition(";")[0]
        for index in range(count):
            self.tasks[f"{number}_{index}"] = Task(Path(f"{batch}-{index}"), asked)

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
        calls = [call for calls in self.waiting.values() for call in calls]
        calls += [task.call for task in self.tasks.values() if task.call]
        self.waiting.clear()
        self.tasks.clear()
        for call in calls:
            call.future.set_exception(error)


def all_of(cluster: SlurmCluster) -> Asked:
    """What the keys say, which is the most that is asked for."""
    return Asked(cluster.minutes, None if cluster.memory is None else _bytes(cluster.memory))


def asked_for(full: Asked, needed: Needed | None) -> Asked:
    """What is asked for, for a task whose first call is of a kind that has ``needed`` so much.

    It is ``full`` where that is not known; else time for the task and for one call more.
    """
    if needed is None:
        return full
    seconds = TASK_SECONDS + ROOM * needed.seconds
    minutes = min(full.minutes, START_MINUTES + math.ceil(seconds / 60))
    memory = START_BYTES + ROOM * needed.memory
    return Asked(minutes, None if full.memory is None else min(full.memory, memory))


def options(cluster: SlurmCluster, asked: Asked) -> list[str]:
    """The words by which sbatch is asked for it."""
    memory = None if asked.memory is None else f"{math.ceil(asked.memory / 2**20)}M"
    words: dict[str, Any] = {"cpus-per-task": 1, "time": asked.minutes, "mem": memory}
    words["gres"] = "gpu:1" if cluster.gpu else None
    for key in ("partition", "account", "qos", "constraint"):
        words[key] = getattr(cluster, key)
    return [f"--{key}={value}" for key, value in words.items() if value is not None]


def _bytes(memory: str) -> int:
    """``4G`` as bytes."""
    return int(memory[:-1]) << 10 * (1 + "KMGT".index(memory[-1]))


def script(batch: Path) -> str:
    """What runs a task of the array ``batch``, by this Python, on one thread."""
    words = shlex.join([sys.executable, "-m", "regsweep.packs.engines.slurm_task", f"{batch}-"])
    return f'#!/bin/sh\nexport OMP_NUM_THREADS=1\nexec {words}"$SLURM_ARRAY_TASK_ID"\n'


def _clear(place: Path, ending: str = "") -> None:
    """Remove what lies at a task's place, with that ending."""
    for file in place.parent.glob(f"{place.name}.*{ending}"):
        file.unlink(missing_ok=True)


def _how_it_ended(name: str) -> Ended:
    told = _run("scontrol", "-o", "show", "job", name).stdout
    state = re.search(r"JobState=(\S+)", told)
    codes = re.search(r"ExitCode=(\d+):(\d+)", told)
    code, number = (int(codes[1]), int(codes[2])) if codes else (0, 0)
    return Ended(state[1] if state else "FORGOTTEN", code, number)


def _last_words(name: str, task: Task, ended: Ended) -> str:
    """How Slurm says that a task has ended, and the last that it said itself."""
    log_file = task.place.with_suffix(".log")
    lines = log_file.read_text(errors="replace").split("\n") if log_file.exists() else []
    said = next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")
    how = f"{KILLED}, " if ended.blameless else ""
    return f"Slurm task {name} left no answer: {how}{ended.state}, exit code {ended.code}{said}"


def _cpus(asked: Sequence[str]) -> int:
    """The CPUs that are up, in the largest of the partitions that ``asked`` leaves."""
    # Allocated, idle, other and all of them, a line each partition.
    lines = [line.split("/") for line in _said("sinfo", "-h", "-o", "%C", *asked).split()]
    return max((int(allocated) + int(idle) for allocated, idle, *_ in lines), default=0)


def _gpus(asked: Sequence[str]) -> int:
    """The GPUs of the nodes that are up."""
    return gpus_in(_said("sinfo", "-h", "-N", "-t", "idle,alloc,mix", "-o", "%n %G", *asked))


def gpus_in(nodes: str) -> int:
    """The GPUs in lines of a node and what it has, such as ``gpu:2`` or ``gpu:a100:4(S:0-1)``."""
    # A node has a line for each of its partitions.
    gres = dict(line.split(maxsplit=1) for line in nodes.splitlines()).values()
    counts = [count for one in gres for count in re.findall(r"\bgpu:(?:[^:,()]+:)?(\d+)", one)]
    return sum(map(int, counts))


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
