"""The claim of a process on a folder: it holds on this machine, and between hosts that share it.

Claims are numbered files in ``.claim/``, and the highest number counts. To make the next one is to
take the folder: by an exclusive creation, in which one process alone succeeds, on NFS too. On one
machine the kernel tells whether who made a claim still lives: it holds a lock on the file. Between
hosts the file tells, which its maker writes to again and again: who waits watches it for as long as
a claim lasts without that. No clocks are compared.
"""

import errno
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from regsweep.errors import InputError
from regsweep.records.stored import Unreadable, read_text

log = logging.getLogger(__name__)

FOLDER = ".claim"
RELEASED = "released"
_BEAT_DIGITS = 12
_GONE = {errno.ENOENT, errno.ESTALE}


class ClaimLost(SystemExit):
    """Another process has taken the folder: this one ends, with exit code 1 and one message."""


@dataclass(frozen=True)
class Terms:
    """A claim is written to every ``beat`` seconds, and lapses ``lapse`` seconds after the last.

    ``machine`` is what tells this one from others: on one machine the kernel knows who lives.
    """

    machine: str
    beat: float = 15.0
    lapse: float = 60.0


@cache
def here() -> Terms:
    """Those of this machine, until it starts anew."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return Terms(boot.read_text().strip() if boot.exists() else socket.gethostname())


@dataclass(frozen=True)
class Claim:
    """What the file ``path`` says: ``who`` made it, on which ``machine``, and for what.

    ``beat`` changes for as long as its maker lives; it is ``RELEASED`` once it has let go.
    """

    path: Path
    who: str
    scope: str
    machine: str
    token: str
    beat: str

    @property
    def number(self) -> int:
        """Its place among the claims on the folder."""
        return int(self.path.name)

    @property
    def stands(self) -> bool:
        """Whether it is there as it was made, and no other came behind it."""
        now = _read(self.path)
        later = self.path.with_name(str(self.number + 1))
        return now is not None and now.token == self.token and not later.exists()


def claim_on(directory: Path) -> Claim | None:
    """The claim on ``directory`` that counts, if one was ever made.

    Raises:
        InputError: what is in its place is none.
    """
    folder = directory / FOLDER
    numbers = _numbers(folder) if folder.is_dir() else []
    for number in sorted(numbers, reverse=True):
        if found := _read(folder / str(number)):
            return found
    return None


def _numbers(folder: Path) -> list[int]:
    return [int(name) for name in os.listdir(folder) if name.isdecimal()]


def _read(path: Path) -> Claim | None:
    """``None`` where it is gone; one that is empty is being made.

    Raises:
        InputError: what is there is no claim.
    """
    try:
        text = read_text(path)
        who, scope, machine, token, beat = text.splitlines() or ("another process", "", "", "", "")
    except Unreadable as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _GONE:
            return None
        raise
    except ValueError:
        raise InputError(
            f"{path}: no claim on the folder; remove it if no process is at work there"
        ) from None
    return Claim(path, who, scope, machine, token, beat.strip())


def is_alive(claim: Claim, terms: Terms) -> bool:
    """Whether who made ``claim`` still holds to it; of another machine's it is watched.

    Only what this process sees change counts, as clocks of hosts differ.
    """
    if claim.beat == RELEASED:
        return False
    if claim.machine == terms.machine:
        return _is_locked(claim.path)
    log.info(
        "%s: %s was at work here; to see whether it still is takes up to %.0f s",
        claim.path.parent.parent,
        claim.who,
        terms.lapse,
    )
    ends = time.monotonic() + terms.lapse
    while time.monotonic() < ends:
        time.sleep(min(1.0, terms.beat / 5))
        now = _read(claim.path)
        if now is None or now.beat == RELEASED:
            return False
        if now != claim:
            return True
    log.warning(
        "%s: no sign of %s for %.0f s; taken over", claim.path.parent.parent, claim.who, terms.lapse
    )
    return False


def _is_locked(path: Path) -> bool:
    """Whether a process of this machine holds the file; it is not kept from it by asking."""
    import fcntl  # not on Windows, where reports are read

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class Held(Exception):
    """Another process has a ``claim`` on the folder, and lives."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(claim.who)
        self.claim = claim


@contextmanager
def claimed(directory: Path, scope: str, terms: Terms) -> Iterator[Claim]:
    """Hold a claim on ``directory`` for as long as the body runs.

    Where another process takes it, as this one was suspended for too long, the main thread gets a
    ``ClaimLost`` wherever it is, if the claim is its own.

    Raises:
        Held: another process has one.
        OSError: the folder cannot be written.
    """
    claim, descriptor = _make(directory.absolute(), scope, terms)
    lost: list[str] = []
    done = threading.Event()
    with _ending_the_main_thread(lost) as end:
        words = (claim, descriptor, terms, done, end)
        beating = threading.Thread(target=_beat, args=words, daemon=True)
        beating.start()
        try:
            yield claim
        finally:
            done.set()
            beating.join()
            if not lost:
                _let_go(descriptor, claim)
            os.close(descriptor)


def _make(directory: Path, scope: str, terms: Terms) -> tuple[Claim, int]:
    """The next claim on ``directory``, and its open file, which is locked."""
    import fcntl

    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    who = f"pid {os.getpid()} on {socket.gethostname()} (since {since})"
    token = uuid.uuid4().hex
    while True:
        last = claim_on(directory)
        if last is not None and is_alive(last, terms):
            raise Held(last)
        path = folder / str(last.number + 1 if last else 1)
        claim = Claim(path, who, scope, terms.machine, token, beat="0")
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except FileExistsError:  # another was quicker: see whether it lives
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # before it says of which machine it is
        _write(descriptor, claim, claim.beat)
        numbers = _numbers(folder)
        if max(numbers) == claim.number:
            for number in set(numbers) - {claim.number}:
                (folder / str(number)).unlink(missing_ok=True)
            return claim, descriptor
        os.close(descriptor)  # others have come and gone meanwhile
        path.unlink()


def _write(descriptor: int, claim: Claim, beat: str) -> None:
    """Write all of ``claim`` in its place, always as long; a file that is gone does no harm."""
    words = (claim.who, claim.scope, claim.machine, claim.token, beat.ljust(_BEAT_DIGITS))
    os.pwrite(descriptor, "".join(f"{word}\n" for word in words).encode(), 0)
    os.fsync(descriptor)


def _let_go(descriptor: int, claim: Claim) -> None:
    try:
        _write(descriptor, claim, RELEASED)
    except OSError as error:  # what was done in the folder is done all the same
        told = "%s: not said to be free (%s): other hosts wait until the claim on it lapses"
        log.warning(told, claim.path.parent.parent, error)


def _beat(
    claim: Claim,
    descriptor: int,
    terms: Terms,
    done: threading.Event,
    end: Callable[[str], None],
) -> None:
    """Write to ``claim`` until ``done``; ``end`` the process where it stands no more."""
    count, written = 0, time.monotonic()
    while not done.wait(terms.beat):
        count += 1
        try:
            _write(descriptor, claim, str(count))
            why = None if claim.stands else _told_of_taker(claim)
            written = time.monotonic()
        except (OSError, InputError) as error:  # of a file server that may come back
            late = time.monotonic() - written > terms.lapse
            why = f"the claim on it cannot be renewed ({error})" if late else None
        if why is not None:
            end(_told(claim, why))
            return


def told_of_loss(claim: Claim) -> str:
    """What a process says that ends, as another one has its folder."""
    return _told(claim, _told_of_taker(claim))


def _told_of_taker(claim: Claim) -> str:
    now = claim_on(claim.path.parent.parent)
    return f"{now.who} has taken it" if now else "this process's claim on it is gone"


def _told(claim: Claim, why: str) -> str:
    return f"regsweep: {claim.path.parent.parent}: {why}; this process writes nothing more there"


@contextmanager
def _ending_the_main_thread(lost: list[str]) -> Iterator[Callable[[str], None]]:
    """Gives what ends the main thread, if the body is in it, by a ``ClaimLost`` with a message.

    It comes as SIGTERM does, which waits where an interrupt must; the message is in ``lost`` then.
    """
    main = threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not main or before is None:
        yield lost.append
        return

    def heed(number: int, frame: FrameType | None) -> None:
        if lost:
            raise ClaimLost(lost[0])
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, before)
            signal.raise_signal(number)

    def end(why: str) -> None:
        lost.append(why)
        assert main.ident is not None
        signal.pthread_kill(main.ident, signal.SIGTERM)

    signal.signal(signal.SIGTERM, heed)
    try:
        yield end
    finally:
        if signal.getsignal(signal.SIGTERM) is heed:
            signal.signal(signal.SIGTERM, before)
