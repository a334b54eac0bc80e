"""What a task of Slurm's runs: calls, one after the other, each answered in the shared folder.

All lies beside the task's place: ``.begun``; for the call of each number ``.call-N``, ``.said-N``
once it is settled what becomes of that number, ``.took-N`` and ``.answer-N``. Only one of the two
creates ``.said-N``: who leads, having handed in a call, or the task that none has come for.
"""

import os
import pickle
import resource
import sys
import time
from pathlib import Path

from regsweep.packs.engines.call import answer
from regsweep.records.atomic import write_bytes

# A task waits so long for its first call, and for another: that of a sweep comes sooner, and nobody
# holds for long what others wait for.
FIRST_SECONDS = 60
LINGER_SECONDS = 10
POLL_SECONDS = 0.2

BEGUN, CALL, SAID, TOOK, ANSWER = "begun", "call", "said", "took", "answer"


def file_at(place: Path, what: str, number: int | None = None) -> Path:
    """The file at a task's place: ``what`` of the call of that number."""
    return place.with_suffix(f".{what}" if number is None else f".{what}-{number}")


def hand_in(place: Path, number: int, call: bytes | None) -> bool:
    """Give a task the call of that number, or none, whereupon it ends; ``False`` if it has."""
    if call is not None:
        write_bytes(file_at(place, CALL, number), call)
    return _is_first(place, number)


def _is_first(place: Path, number: int) -> bool:
    """Whether nobody has settled before what becomes of that number."""
    try:
        file_at(place, SAID, number).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def next_call(place: Path, number: int) -> bytes | None:
    """The call of that number; ``None`` where there is to be none, or none has come for long."""
    deadline = time.monotonic() + (LINGER_SECONDS if number else FIRST_SECONDS)
    while not file_at(place, SAID, number).exists():
        if time.monotonic() > deadline and _is_first(place, number):
            return None
        time.sleep(POLL_SECONDS)
        try:  # a network's file system remembers that a file was not there, until this
            os.close(os.open(place.parent, os.O_RDONLY))
        except FileNotFoundError:  # who leads has let go
            return None
    file = file_at(place, CALL, number)
    return file.read_bytes() if file.exists() else None


def main() -> None:
    """Answer the calls at the place that the command line names.

    An answer is pickled with the seconds that it took, the most bytes that the task has had, and
    the seconds since the task began.
    """
    place, started = Path(sys.argv[1]), time.monotonic()
    file_at(place, BEGUN).touch()
    number = 0
    while (call := next_call(place, number)) is not None:
        file_at(place, TOOK, number).touch()
        began = time.monotonic()
        answered = answer(call)
        ended = time.monotonic()
        # Slurm runs on Linux, which counts in KiB.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        done = pickle.dumps((answered, ended - began, memory, ended - started))
        write_bytes(file_at(place, ANSWER, number), done)
        number += 1


if __name__ == "__main__":
    main()
