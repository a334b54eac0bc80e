"""What a task of Slurm's runs: one call, whose answer it leaves in the shared folder."""

import sys
from pathlib import Path

from regsweep.packs.engines.call import answer
from regsweep.records.atomic import write_bytes


def main() -> None:
    """Answer the call at the place that the command line names."""
    place = Path(sys.argv[1])
    write_bytes(place.with_suffix(".answer"), answer(place.with_suffix(".call").read_bytes()))


if __name__ == "__main__":
    main()
