"""The report command: ``python -m regsweep.report DIR... [--out DIR]``."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from regsweep.errors import InputError
from regsweep.folder import read_folder
from regsweep.report.aggregate import gather_and_show


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Bad input ends in exit code 1 everywhere; argparse's own is 2.
        raise InputError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Gather the directories that ``argv`` names; the exit code, 1 for bad input."""
    try:
        arguments = _parser().parse_args(argv)
        directories = [read_folder("DIR", name) for name in arguments.directories]
        out = None if arguments.out is None else read_folder("--out", arguments.out)
        gather_and_show(directories, out)
    except InputError as error:
        print(f"regsweep-report: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="regsweep-report",
        description="Gather the records of runs into runs.csv, comparison.csv and a table.",
    )
    parser.add_argument(
        "directories",
        metavar="DIR",
        nargs="+",
        help="a sweep, a single run, or a folder that holds several of them at any depth",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where the files go (default: the directory itself, if only one is given)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
