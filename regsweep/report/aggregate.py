"""From directories to tables on disk and in the terminal, in one call."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from regsweep.errors import InputError
from regsweep.records.sweep_file import FILE_NAME as SWEEP_FILE
from regsweep.report.build import build_report
from regsweep.report.page.page import page
from regsweep.report.tables.write import write_files
from regsweep.report.words.terminal import show


def gather_and_show(
    directories: Sequence[str | Path],
    out: str | Path | None = None,
    command: str | None = None,
    against: str | None = None,
) -> list[Path]:
    """Gather the records, write the tables and ``report.html``, and print the comparison.

    ``out`` is the folder of the files, by default the directory itself if there is just one.
    ``command`` trains a run when overrides follow; without it, what the sweep was begun by.
    ``against`` is the arm of a second look, whose files need a folder of their own: the sweep's say
    what it planned. Returns the paths of the files.

    Raises:
        InputError: ``out`` is missing, holds a sweep's own files or cannot be written, there is
            nothing to gather, or no such arm.
    """
    if out is None and len(directories) != 1:
        raise InputError(f"--out: name a folder for the tables of {len(directories)} directories")
    if against is not None:
        _own_folder(directories, out, against)
    if out is not None and os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"--out={out}: expected a folder, but it is something else")
    with no_cycle_search():
        report = build_report(directories, against)
        folder = Path(directories[0] if out is None else out)
        files = write_files(report.runs, report.comparison, page(report), folder)
        show(report, files, command)
    return files


def _own_folder(directories: Sequence[str | Path], out: str | Path | None, against: str) -> None:
    """Refuse to write a second look over the tables of what was planned.

    Raises:
        InputError: ``out`` is missing, is one of the ``directories`` or holds a sweep.
    """
    if out is None:
        raise InputError(
            f"--out: name a folder for the comparison with {against}: a sweep keeps its own"
        )
    taken = any(os.path.realpath(one) == os.path.realpath(out) for one in directories)
    if taken or os.path.lexists(Path(out, SWEEP_FILE)):
        raise InputError(
            f"--out={out}: expected a folder apart from the sweep, which keeps its own comparison"
        )


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
