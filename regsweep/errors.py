"""What stands in a user's way: bad input, or the machine; how it is worded; a hidden interrupt."""

import difflib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Something that the user gave cannot be used; the message alone says what to change."""


class MachineFault(InputError):
    """The machine stands in the way of a run: a full disk, a lost database, a killed process.

    The run is not at fault: it gets no record, and is trained when the machine is in order.
    """


class ClusterFault(MachineFault):
    """The cluster that runs packs is gone, or cannot be used: nothing can be tried on it."""


# A run that asks for more memory than there is; an error of a library, not of the system.
_NOT_OF_THE_MACHINE = {errno.ENOMEM, None}


def machine_fault(error: BaseException) -> MachineFault | None:
    """The fault of the machine behind ``error``, if any: an OSError is among its causes."""
    for cause in _causes(error):
        if isinstance(cause, InputError):  # which has said what it is
            return cause if isinstance(cause, MachineFault) else None
        if isinstance(cause, OSError) and cause.errno not in _NOT_OF_THE_MACHINE:
            return MachineFault(_told(cause))
    return None


def wants_memory(error: BaseException) -> bool:
    """Whether ``error`` says that less might fit in the memory."""
    said = str(error)
    return isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        # torch.compile keeps what it was stopped by as an attribute.
        error = error.__cause__ or getattr(error, "inner_exception", None)


def _told(error: OSError) -> str:
    """``<path>: No space left on device (1,024 bytes free)``."""
    named = isinstance(error.filename, str | bytes)
    path = Path(os.fsdecode(error.filename) if named else os.getcwd())
    why = error.strerror or str(error) or type(error).__name__
    return f"{path}: {why} ({room(path)})"


def room(path: Path) -> str:
    """``1,024 bytes free``, where ``path`` lies or would lie."""
    folder = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
    return f"{shutil.disk_usage(folder).free:,} bytes free"


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an OSError of the body name ``path``, where it names no file itself."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def bad_value(key: str, value: object, expected: str) -> InputError:
    """An error that names the key, its value and what would be right."""
    return InputError(f"{key}={value}: expected {expected}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the nearest known one, then all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known: {', '.join(names)}" if names else "there are none"


def raise_interrupt(error: Exception) -> None:
    """Raise the interrupt that ``error`` stands in for, if any.

    Where an interrupt comes while a library puts something back, what fails then replaces it.
    """
    context = error.__context__
    while context is not None:
        if not isinstance(context, Exception):
            raise context
        context = context.__context__
