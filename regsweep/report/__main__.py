"""The report command: ``python -m regsweep.report DIR... [--out DIR] [--against ARM]``."""

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from regsweep.errors import InputError
from regsweep.output import end_with_the_reader
from regsweep.records.folder import read_folder

_OPTIONS = "--out DIR, --against ARM"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Bad input ends in exit code 1 everywhere; argparse's own is 2.
        raise InputError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Gather the directories that ``argv`` names; the exit code.

    0, 1 for bad input (one message), 130 for SIGINT and 143 for SIGTERM: then no file is half
    written.
    """
    before = signal.signal(signal.SIGTERM, _stop)
    end_with_the_reader()
    try:
        arguments = _arguments(argv)
        # An interrupt may come while pandas loads, too.
        from regsweep.report.aggregate import gather_and_show

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # for what a terminal cannot show
        directories = [read_folder("DIR", name) for name in arguments.directories]
        out = None if arguments.out is None else read_folder("--out", arguments.out)
        gather_and_show(directories, out, against=arguments.against)
    except InputError as error:
        print(f"regsweep-report: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("regsweep-report: interrupted", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    print("regsweep-report: terminated", file=sys.stderr)
    sys.exit(128 + signum)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says.

    Raises:
        InputError: an option does not exist, or no directory is named.
    """
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:
        raise InputError(f"{unknown[0]}: no such option; known: {_OPTIONS}, --help")
    if not arguments.directories:
        raise InputError("DIR: name at least one, such as multirun/2026-01-31/12-00-00")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="regsweep-report",
        usage="%(prog)s [-h] [--out DIR] [--against ARM] DIR [DIR ...]",
        description="Gather the records of runs into runs.csv, comparison.csv and a table.",
    )
    parser.add_argument(
        "directories",
        metavar="DIR",
        nargs="*",  # so that a mistyped option is named where no directory is
        help="a sweep, a single run, or a folder that holds several of them at any depth",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where the files go (default: the directory itself, if only one is given)",
    )
    parser.add_argument(
        "--against",
        metavar="ARM",
        help="compare all arms with this one, such as l2, not with the baseline that was planned: "
        "a second look at the same data, as its verdicts say; needs --out",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
