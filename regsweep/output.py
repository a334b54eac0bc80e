"""Standard output whose reader may leave before the end, as ``head`` does."""

import io
import os
import signal
import sys
from typing import NoReturn

CLOSED = 128 + signal.SIGPIPE if os.name == "posix" else 1


class _Output(io.TextIOWrapper):
    """Ends the command where nobody reads on; logging would print a traceback each time."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            _end()

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            _end()


def end_with_the_reader() -> None:
    """Have the command end quietly, with the code of SIGPIPE, when its output is closed."""
    out = sys.stdout
    if type(out) is io.TextIOWrapper:  # not one that captures it
        settings = {"encoding": out.encoding, "errors": out.errors}
        line_buffered, through = out.line_buffering, out.write_through
        sys.stdout = _Output(
            out.detach(), **settings, line_buffering=line_buffered, write_through=through
        )


def _end() -> NoReturn:
    # What is written on the way out goes nowhere.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.exit(CLOSED)
