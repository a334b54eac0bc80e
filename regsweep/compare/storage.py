"""Where the Optuna studies are kept: opened, and asked again while what fails may pass."""

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from regsweep.errors import InputError, MachineFault, raise_interrupt, room
from regsweep.sweep.address import passwords_in

log = logging.getLogger(__name__)

# How long a storage that does not answer is asked again, and after what pause; in seconds.
PATIENCE = 120.0
PAUSE = 0.5
# SQLite's own wait for a lock, during which no signal is heeded.
BUSY_WAIT = 1.0
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_DAMAGED = (
    *_NO_ROOM,
    *(sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
)
# What servers say that start, stop, recover or have no place left, before they take a connection:
# a code of it, which would not depend on their language, is not handed on.
_NOT_NOW = ("the database system is ", "too many clients", "too many connections")

T = TypeVar("T")


@dataclass(frozen=True)
class Storage:
    """An Optuna storage; messages call it by ``name`` and hold none of its ``passwords``."""

    optuna: RDBStorage
    name: str
    passwords: tuple[str, ...] = ()

    def insist(self, action: Callable[[], T]) -> T:
        """What ``action`` returns, which is begun anew where a lock or a lost connection ends it.

        Raises:
            MachineFault: the database does not answer in time, or refuses.
        """
        try:
            return _retried(action, self.name, self.passwords, _passes)
        except MachineFault:
            raise
        except Exception as error:
            if _database_error(error) is None:
                raise
            why = _why_of_file(error, self.optuna.engine.url.database, self.passwords)
            raise MachineFault(f"{self.name}: {why}") from None


def open_storage(url: str | None, directory: Path) -> Storage:
    """The storage at ``url``, by default ``optuna.db`` in the sweep's folder.

    A default storage that is damaged is set aside: the records rebuild it.

    Raises:
        InputError: the storage at ``url`` cannot be opened.
        MachineFault: that in the folder cannot, or others hold it for too long.
    """
    if url is None:
        path = directory / "optuna.db"
        return Storage(_open_default(path), str(path))
    name, passwords = f"hydra.sweeper.storage={url.partition(':')[0]}:...", passwords_in(url)
    try:
        storage = _retried(lambda: _connect(make_url(url)), name, passwords, _passes_at_first)
    except MachineFault:
        raise
    except Exception as error:
        # What lies behind it is not shown: it may hold the password.
        raise InputError(f"{name}: cannot be opened ({_why(error, passwords)})") from None
    return Storage(storage, name, passwords)


def _open_default(path: Path) -> RDBStorage:
    try:
        return _retried(lambda: _read_whole(path), str(path), (), _passes_at_first)
    except MachineFault:
        raise
    except Exception as error:
        if not path.exists() or _sqlite_code(error) in _NOT_DAMAGED:
            why = _why_of_file(error, str(path))
            raise MachineFault(f"{path}: cannot be opened ({why})") from error
        aside = free_name(path, "damaged")
        path.rename(aside)
        log.warning("%s cannot be read (%s): now %s", path, type(error).__name__, aside.name)
        return _read_whole(path)


def _connect(url: URL) -> RDBStorage:
    engine: dict[str, Any] = {"pool_pre_ping": True}
    if url.get_backend_name() == "sqlite":
        engine = {"connect_args": {"timeout": BUSY_WAIT}}
    return RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=engine)


def _read_whole(path: Path) -> RDBStorage:
    # As an address in text, a ? in the path would begin its options.
    storage = _connect(URL.create("sqlite", database=str(path)))
    for name in optuna.get_all_study_names(storage):
        _ = optuna.load_study(study_name=name, storage=storage).trials
    return storage


def _retried(
    action: Callable[[], T],
    name: str,
    passwords: tuple[str, ...],
    passes: Callable[[Exception], bool],
) -> T:
    give_up, told = time.monotonic() + PATIENCE, False
    while True:
        try:
            return action()
        except Exception as error:
            raise_interrupt(error)
            if not passes(error):
                raise
            why = _why(error, passwords)
            if time.monotonic() > give_up:
                raise MachineFault(f"{name}: no answer for {PATIENCE:g} s ({why})") from None
        if not told:
            log.warning("%s: %s; trying again for %g s", name, why, PATIENCE)
            told = True
        time.sleep(PAUSE)


def _passes(error: Exception) -> bool:
    """Whether what was asked of an open database may succeed later."""
    cause = _database_error(error)
    if cause is None or _sqlite_code(error) is not None:
        return _passes_at_first(error)
    lost = cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)
    return lost or _passes_at_first(error)


def _passes_at_first(error: Exception) -> bool:
    """Whether a database may open later: it is locked, starts, or is set up by another process.

    That one cannot be reached at all is told at once.
    """
    cause = _database_error(error)
    set_up = isinstance(cause, IntegrityError) or "already exists" in str(cause)
    not_now = any(words in str(cause).lower() for words in _NOT_NOW)
    return cause is not None and (set_up or not_now or _sqlite_code(error) in _LOCKED)


def _database_error(error: BaseException | None) -> DBAPIError | None:
    """What the database said, among all that Optuna and SQLAlchemy made of it."""
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__ or error.__context__
    return error


def _sqlite_code(error: Exception) -> int | None:
    cause = _database_error(error)
    code = getattr(cause and cause.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # its kind, without the details


def _why(error: Exception, passwords: tuple[str, ...] = ()) -> str:
    cause = _database_error(error)
    told = (cause and cause.orig) or error
    line = f"{type(told).__name__}: {str(told).strip().partition(chr(10))[0]}"
    for password in passwords:
        line = line.replace(password, "***")
    return line


def _why_of_file(error: Exception, database: str | None, passwords: tuple[str, ...] = ()) -> str:
    """``_why``; with the bytes that are free, where a ``database`` file may want for room."""
    why = _why(error, passwords)
    if database and _sqlite_code(error) in _NO_ROOM:
        return f"{why}; {room(Path(database))}"
    return why


def free_name(path: Path, word: str) -> Path:
    """``path`` with ``.word-N`` behind it, for the first N that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{word}-{number}")).exists():
        number += 1
    return aside
