"""`python -m regsweep.data [NAME ...]`: have the files of these data sets (default mnist)."""

import logging
import sys

from regsweep.data.fetch import ensure_files
from regsweep.data.source import default_root, find_source
from regsweep.errors import InputError


def main(names: list[str]) -> int:
    """Print the folder of each data set; 1, with the message on stderr, for bad input."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for source in [find_source(name) for name in names or ["mnist"]]:
            print(ensure_files(source, default_root()))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
