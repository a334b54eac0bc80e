"""The folder of a run or a sweep: named, held by one process, and free of links and pipes."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from regsweep.errors import InputError, bad_value
from regsweep.records.claim import FOLDER, Claim, Held, Terms, claim_on, claimed, here, is_alive
from regsweep.records.stored import kind

STUDIES = "optuna.db"
# What lies here is read with care, and set aside under a longer name where it is no file.
READ_WITH_CARE = ("record.json", "sweep.json")
WITH_ALL_BELOW = "with all that is below"
ALONE = "without what is below"


def read_folder(key: str, value: object) -> Path:
    """The folder that ``value`` names, ``~`` expanded.

    Raises:
        InputError: it names none.
    """
    if value is None or not str(value).strip():
        raise bad_value(key, "" if value is None else value, "the name of a folder")
    try:
        return Path(str(value)).expanduser()
    except RuntimeError as error:
        raise bad_value(key, value, f"a folder ({error})") from error


@contextmanager
def hold(
    key: str, directory: Path, names: Sequence[str] | None = None, terms: Terms | None = None
) -> Iterator[None]:
    """Make the folder that ``key`` names, and let no other process work in it.

    The kernel lets go of it when the process ends, however it ends; on another machine it is held
    until it lapses. ``names`` are what is written in it, ``None`` for all that is below.

    Raises:
        InputError: it cannot be made or written, holds a symbolic link, a pipe, a socket or a
            device, or another process holds it; the message says which, on which host, and since
            when.
        ClaimLost: another process holds it now, as this one was suspended for too long.
    """
    terms = terms or here()
    _refuse_held(key, directory, names, terms)
    with ExitStack() as stack:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _refuse_strange(directory, names)
            scope = WITH_ALL_BELOW if names is None else ALONE
            stack.enter_context(claimed(directory, scope, terms))
        except Held as held:
            raise _at_work(key, directory, directory, held.claim) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise bad_value(key, directory, f"a folder that can be written ({reason})") from error
        _refuse_held(key, directory, names, terms)  # a folder made meanwhile
        yield


def _at_work(key: str, directory: Path, held: Path, claim: Claim) -> InputError:
    where = "this folder" if held == directory else str(held)
    return InputError(
        f"{key}={directory}: {claim.who} is at work in {where}; wait for it, or take another"
    )


def _refuse_held(key: str, directory: Path, names: Sequence[str] | None, terms: Terms) -> None:
    """Refuse a folder that lies in one that is held, or all that is below around one."""
    claims = {up: claim_on(up) for up in directory.resolve().parents}
    others = {up: claim for up, claim in claims.items() if claim and claim.scope == WITH_ALL_BELOW}
    if names is None:
        found = [Path(entry).parent for entry in _below(directory) if entry.name == FOLDER]
        others |= {at: claim for at in found if at != directory and (claim := claim_on(at))}
    for other, claim in others.items():
        if is_alive(claim, terms):
            raise _at_work(key, directory, other, claim)


def _refuse_strange(directory: Path, names: Sequence[str] | None) -> None:
    """What is written under a name that is a link lands where the link leads; a pipe waits."""
    tops = [directory] if names is None else [directory / name for name in (*names, FOLDER)]
    files = [directory / STUDIES] if names is None else []
    for path in (*tops, *files, *_no_files(tops)):
        if path == directory or not os.path.lexists(path):
            continue
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise InputError(
                f"{path}: a symbolic link, which could lead what is written out of {directory}; "
                "remove it, or take another folder"
            )
        if path not in files and (stat.S_ISDIR(mode) or path.name.startswith(READ_WITH_CARE)):
            continue
        if other := kind(mode):
            raise InputError(
                f"{path}: {other}, expected a regular file; remove it, or take another folder"
            )


def _no_files(tops: Sequence[Path]) -> Iterator[Path]:
    """What is neither a file nor a folder in ``tops``."""
    for entry in (entry for top in tops for entry in _below(top)):
        if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
            yield Path(entry)


def _below(top: str | Path) -> Iterator[os.DirEntry[str]]:
    """All that is in a folder and the folders below, links not followed; of a file, nothing."""
    if os.path.isdir(top):
        for entry in os.scandir(top):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)
