"""From directories to tables on disk and in the terminal, in one call."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regsweep.errors import InputError
from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.tables.write import write_files
from regsweep.report.words.terminal import show


def gather_and_show(
    directories: Sequence[str | Path], out: str | Path | None = None, command: str | None = None
) -> list[Path]:
    """Gather the records, write the tables and ``report.html``, and print the comparison.

    ``out`` is the folder of the files, by default the directory itself if there is just one.
    ``command`` trains a run when overrides follow; without it, what the sweep was begun by. Returns
    the paths of the files.

    Raises:
        InputError: ``out`` is missing or cannot be written, or there is nothing to gather.
    """
    if out is None and len(directories) != 1:
        raise InputError(f"--out: name a folder for the tables of {len(directories)} directories")
    if out is not None and os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"--out={out}: expected a folder, but it is something else")
    with no_cycle_search():
        report = build_report(directories)
        folder = Path(directories[0] if out is None else out)
        files = write_files(report.runs, report.comparison, page(report), folder)
        show(report, files, command)
    return files


@contextmanager
def no_cycle_search() -> Iterator[None]:
    """No search for reference cycles: records hold none, and it doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
