"""What a task of Slurm's runs: calls, one after the other, each answered in the shared folder.

Who leads and the task agree on each call by a file that only one of them can create: the leader
hands it in so, and the task that no call has come for closes its place to it.
"""

import pickle
import resource
import sys
import time
from pathlib import Path

from regsweep.packs.engines.call import answer
from regsweep.records.atomic import write_bytes

# The next call of a sweep comes sooner; between sweeps nobody holds what others wait for.
LINGER_SECONDS = 10
POLL_SECONDS = 0.1

BEGUN = ".begun"


def call_file(place: Path, number: int) -> Path:
    """Where a task finds the call of that number, pickled, once it is handed in."""
    return place.with_suffix(f".call-{number}")


def answer_file(place: Path, number: int) -> Path:
    """Where a task leaves what it has on the call of that number, pickled.

    It is the answer, the seconds that it took, the most bytes that the task has had, and the
    seconds since the task began.
    """
    return place.with_suffix(f".answer-{number}")


def hand_in(place: Path, number: int, call: bytes | None) -> bool:
    """Give a task the call of that number, or none, whereupon it ends; ``False`` if it has."""
    if call is not None:
        write_bytes(call_file(place, number), call)
    return _first(place, number)


def _first(place: Path, number: int) -> bool:
    """Whether nobody has said before what comes of that number."""
    try:
        place.with_suffix(f".said-{number}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def next_call(place: Path, number: int) -> bytes | None:
    """The call of that number; ``None`` where there is to be none, or none has come for long."""
    deadline = time.monotonic() + LINGER_SECONDS
    said = place.with_suffix(f".said-{number}")
    while not said.exists():
        if not place.parent.exists():
            return None  # who leads has let go
        if time.monotonic() > deadline and _first(place, number):
            return None
        time.sleep(POLL_SECONDS)
    file = call_file(place, number)
    return file.read_bytes() if file.exists() else None


def main() -> None:
    """Answer the calls at the place that the command line names."""
    place, started = Path(sys.argv[1]), time.monotonic()
    place.with_suffix(BEGUN).touch()
    number = 0
    while (call := next_call(place, number)) is not None:
        began = time.monotonic()
        answered = answer(call)
        ended = time.monotonic()
        # Slurm runs on Linux, which counts in KiB.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        done = pickle.dumps((answered, ended - began, memory, ended - started))
        write_bytes(answer_file(place, number), done)
        number += 1


if __name__ == "__main__":
    main()
