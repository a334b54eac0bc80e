"""What a task of Slurm's runs: calls, one after the other, each answered in the shared folder."""

import pickle
import resource
import sys
import time
from pathlib import Path

from regsweep.packs.engines.call import answer
from regsweep.records.atomic import write_bytes

BEGUN = ".begun"


def calls_file(place: Path) -> Path:
    """Where a task finds the pickled list of its calls."""
    return place.with_suffix(".calls")


def answer_file(place: Path, number: int) -> Path:
    """Where a task leaves what it has on the call of that number, pickled.

    It is the answer, the seconds that it took, and the most bytes that the task has had.
    """
    return place.with_suffix(f".answer-{number}")


def main() -> None:
    """Answer the calls at the place that the command line names."""
    place = Path(sys.argv[1])
    place.with_suffix(BEGUN).touch()
    began = time.monotonic()
    for number, call in enumerate(pickle.loads(calls_file(place).read_bytes())):
        answered = answer(call)
        ended = time.monotonic()
        # Slurm runs on Linux, which counts in KiB.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        done = pickle.dumps((answered, ended - began, memory))
        write_bytes(answer_file(place, number), done)
        began = ended


if __name__ == "__main__":
    main()
