"""Progress on stderr: a bar on a terminal, one log line elsewhere."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from rich.console import Console
from rich.progress import Progress, wrap_file

log = logging.getLogger(__name__)


def announce(text: str) -> None:
    """Log what is about to happen, where no bar can show it."""
    if not sys.stderr.isatty():
        log.info(text)


@contextmanager
def read_with_bar(stream: BinaryIO, size: int, text: str) -> Iterator[BinaryIO]:
    """The stream, with a bar of the bytes read from it on a terminal; size in bytes."""
    if not sys.stderr.isatty():
        yield stream
        return
    with wrap_file(stream, size, description=text, console=Console(stderr=True)) as reader:
        yield reader


@contextmanager
def wait_with_bar(text: str) -> Iterator[None]:
    """A moving bar on a terminal, for work that does not say how far it is."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        progress.add_task(text, total=None)
        yield
