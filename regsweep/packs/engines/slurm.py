"""Slurm as an engine: tasks of job arrays do the calls, and leave answers in a shared folder.

Slurm is asked by its own commands. Without accounting it forgets a task soon after its end, so a
task that is gone and has left no answer is lost.
"""

import logging
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
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.call import pickled, settle
from regsweep.packs.engines.local import KILLED
from regsweep.packs.engines.peers import Peer, peer
from regsweep.packs.engines.slurm_task import BEGUN, answer_file, calls_file
from regsweep.sweep.cluster import SlurmCluster

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_SECONDS = 1
# An answer may reach a shared folder later than the end of its task is known.
GRACE_SECONDS = 5
# A controller that is started anew answers by then.
SILENT_SECONDS = 120
# A task costs seconds to start: short calls share one, of so many.
TASK_SECONDS = 60
# What is asked for, of what calls have needed so far; and beside that, for the start of a task.
ROOM = 3
START_MINUTES = 2
START_BYTES = 2**29
# Why a task waits that will run by itself.
IN_TURN = {"None", "Priority", "Resources", "JobArrayTaskLimit"}
# How a task ends that is not at fault.
OF_THE_CLUSTER = ("BOOT_FAIL", "CANCELLED", "NODE_FAIL", "PREEMPTED", "TIMEOUT")
# How one ends that may have been asked too little for.
FOR_WANT = ("TIMEOUT", "OUT_OF_MEMORY", "FORGOTTEN")


@dataclass(eq=False)  # each is itself alone
class Call:
    """A call, pickled, and what kind it is of.

    ``in_full`` is one that needs more than those of its kind before it.
    """

    pickled: bytes
    future: Future[Any]
    kind: Hashable = None
    in_full: bool = False


@dataclass
class Needed:
    """What calls of a kind have needed so far: seconds each, and the most bytes of a task."""

    seconds: list[float] = field(default_factory=list)
    memory: int = 0


@dataclass
class Task:
    """A task at work: its place in the folder, its calls, and how many of them are answered.

    ``gone`` is since when Slurm no longer knows of it.
    """

    place: Path
    calls: Sequence[Call]
    answered: int = 0
    gone: float | None = None


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
        self.waiting: deque[Call] = deque()
        self.tasks: dict[str, Task] = {}  # by the names that squeue has for them
        self.needed: defaultdict[Hashable, Needed] = defaultdict(Needed)
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
        """``call``, in one of ``at_once`` tasks, which short calls of a ``kind`` share."""
        self.reach(at_once)
        future: Future[T] = Future()
        with self.lock:
            if self.folder is None:
                # Nobody else can write what is unpickled here.
                where = Path(self.cluster.folder).absolute()
                where.mkdir(parents=True, exist_ok=True)
                self.folder = Path(tempfile.mkdtemp(prefix=".slurm-", dir=where))
                self.answered = time.monotonic()
            self.at_once = at_once
            self.waiting.append(Call(pickled(call), future, kind))
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
            self.waiting.clear()
            self.tasks.clear()
        if folder is not None:
            _run("scancel", f"--name={self.name}")
            shutil.rmtree(folder, ignore_errors=True)

    def _watch(self) -> None:
        """Submit what waits, and hand over what has ended, until the engine lets go."""
        while True:
            time.sleep(POLL_SECONDS)
            with self.lock:
                if self.watch is not threading.current_thread():
                    return
                try:
                    self._hand_over()
                    self._submit_waiting()
                except Exception as error:  # a thread's error would be nobody's
                    self._give_up(error)
                if not self.waiting and not self.tasks:
                    self.watch = None
                    return

    def _submit_waiting(self) -> None:
        """Arrays of tasks for what waits, as many tasks as may run at once."""
        while self.waiting and (room := self.at_once - len(self.tasks)) > 0:
            first = self.waiting[0]
            like = first.kind, first.in_full
            alike = [call for call in self.waiting if (call.kind, call.in_full) == like]
            known = [] if first.in_full else self.needed[first.kind].seconds
            size = calls_a_task(len(self.waiting), self.at_once, known)
            starts = range(0, len(alike), size)[: min(room, self.longest)]
            self._submit_array([alike[start : start + size] for start in starts])
            submitted = set(alike[: len(starts) * size])
            self.waiting = deque(call for call in self.waiting if call not in submitted)

    def _submit_array(self, parts: Sequence[Sequence[Call]]) -> None:
        """One array, of a task for each of ``parts``."""
        assert self.folder is not None
        batch = self.folder / uuid.uuid4().hex[:8]
        for index, calls in enumerate(parts):
            place = Path(f"{batch}-{index}")
            calls_file(place).write_bytes(pickle.dumps([call.pickled for call in calls]))
        first = parts[0][0]
        needed = Needed() if first.in_full else self.needed[first.kind]
        job = _said(
            "sbatch",
            "--parsable",
            f"--job-name={self.name}",
            f"--array=0-{len(parts) - 1}",
            f"--output={batch}-%a.log",
            *options(self.cluster, needed, len(parts[0])),
            script=script(batch),
        )
        number = job.strip().partition(";")[0]
        for index, calls in enumerate(parts):
            self.tasks[f"{number}_{index}"] = Task(Path(f"{batch}-{index}"), calls)

    def _hand_over(self) -> None:
        """Give each future what came of its call: an answer, or none."""
        if not self.tasks:
            return
        states = self._states()
        for name, task in list(self.tasks.items()):
            self._take_answers(task)
            if task.answered == len(task.calls):
                del self.tasks[name]
                _clear(task.place)
            elif states is None or name in states:
                task.gone = None
            elif task.gone is None:
                task.gone = time.monotonic()
            elif time.monotonic() - task.gone > GRACE_SECONDS:
                self._lose(name, task)
                del self.tasks[name]
        for reason in sorted(set((states or {}).values()) - self.told - IN_TURN):
            self.told.add(reason)
            log.warning("Slurm has tasks wait: %s", reason)

    def _take_answers(self, task: Task) -> None:
        while task.answered < len(task.calls):
            file = answer_file(task.place, task.answered)
            if not file.exists():
                return
            answered, seconds, memory = pickle.loads(file.read_bytes())
            call = task.calls[task.answered]
            if call.kind is not None:
                needed = self.needed[call.kind]
                needed.seconds.append(seconds)
                needed.memory = max(needed.memory, memory)
            settle(call.future, answered)
            task.answered += 1

    def _lose(self, name: str, task: Task) -> None:
        """Say that the call which ``task`` was at has no answer; those behind it wait again."""
        ended = _how_it_ended(name)
        said = _last_words(name, task, ended)
        at, *behind = task.calls[task.answered :]
        if ended.state.startswith(FOR_WANT) and not at.in_full:
            at.in_full = True
            behind = [at, *behind]
            self.needed.pop(at.kind, None)  # it was not all
        elif ended.state == "FAILED" and not task.place.with_suffix(BEGUN).exists():
            where = f"{sys.executable} and {task.place.parent} are to be there on every node"
            raise ClusterFault(f"{said}; it has not begun: {where}")
        else:
            at.future.set_exception(BrokenExecutor(said))
        self.waiting.extendleft(reversed(behind))

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
        calls = list(self.waiting)
        calls += [call for task in self.tasks.values() for call in task.calls[task.answered :]]
        self.waiting.clear()
        self.tasks.clear()
        for call in calls:
            call.future.set_exception(error)


def calls_a_task(waiting: int, at_once: int, seconds: Sequence[float]) -> int:
    """How many of the ``waiting`` calls share a task, by the ``seconds`` that others took.

    No more than leave each of ``at_once`` tasks its share; one, where nothing is known.
    """
    if not seconds:
        return 1
    fitting = int(TASK_SECONDS / max(median(seconds), 0.1))
    return max(1, min(fitting, waiting // at_once))


def options(cluster: SlurmCluster, needed: Needed, calls: int = 1) -> list[str]:
    """What sbatch is asked for, for a task of so many ``calls``.

    What the keys say is for each call, and the most: where it is known what calls of the kind have
    ``needed``, less is asked for.
    """
    minutes, most = cluster.minutes * calls, cluster.memory
    if needed.seconds:
        longest = max(needed.seconds)
        minutes = min(minutes, START_MINUTES + ceil(ROOM * longest * calls / 60))
        if most is not None:
            asked_for = START_BYTES + ROOM * needed.memory
            most = most if asked_for >= _bytes(most) else f"{ceil(asked_for / 2**20)}M"
    asked: dict[str, Any] = {"cpus-per-task": 1, "time": minutes, "mem": most}
    asked["gres"] = "gpu:1" if cluster.gpu else None
    for key in ("partition", "account", "qos", "constraint"):
        asked[key] = getattr(cluster, key)
    return [f"--{key}={value}" for key, value in asked.items() if value is not None]


def _bytes(memory: str) -> int:
    """``4G`` as bytes."""
    return int(memory[:-1]) << 10 * (1 + "KMGT".index(memory[-1]))


def script(batch: Path) -> str:
    """What runs a task of the array ``batch``, by this Python, on one thread."""
    words = shlex.join([sys.executable, "-m", "regsweep.packs.engines.slurm_task", f"{batch}-"])
    return f'#!/bin/sh\nexport OMP_NUM_THREADS=1\nexec {words}"$SLURM_ARRAY_TASK_ID"\n'


def _clear(place: Path) -> None:
    """Remove what a task has left."""
    for file in place.parent.glob(f"{place.name}.*"):
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
