"""The loss of each test row of a run, in ``test_losses.npy``."""

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regsweep.records.atomic import write_bytes
from regsweep.records.stored import Unreadable, read_bytes

RowLosses = NDArray[np.float32]
"""(n,), in the order of the test rows; that of a row is the mean over its outputs."""

# NumPy's header of such a row, whatever its length.
_HEADER_BYTES = 128
# A mean over rows of float32 is the metric, but for rounding.
_ROUNDING = 1e-5


def write_row_losses(losses: RowLosses, path: Path) -> Path:
    """Write ``losses`` to ``path``, whole or not at all, 4 bytes a row; returns ``path``.

    Raises:
        OSError: it cannot be written; the error names ``path``.
    """
    return write_bytes(path, _npy(losses))


def read_row_losses(path: Path, mean: float) -> RowLosses:
    """The losses of a run whose mean test loss is ``mean``.

    Raises:
        Unreadable: the file is none of regsweep's, or its losses are those of another run.
    """
    content = read_bytes(path)
    # NumPy's own reader runs into all kinds of errors where a header is damaged.
    rows = max(len(content) - _HEADER_BYTES, 0) // 4
    losses = np.frombuffer(content[_HEADER_BYTES : _HEADER_BYTES + 4 * rows], np.float32)
    if _npy(losses) != content:
        raise Unreadable(path, "unreadable (expected one row of float32, as NumPy saves it)")
    with np.errstate(invalid="ignore"):  # infinite losses of both signs
        found = float(losses.mean(dtype=np.float64)) if len(losses) else math.nan
    if not math.isclose(found, mean, rel_tol=_ROUNDING):
        raise Unreadable(
            path, f"not this run's: a mean of {found:.6g}, and its record says {mean:.6g}"
        )
    return losses


def _npy(losses: RowLosses) -> bytes:
    content = io.BytesIO()
    np.save(content, losses, allow_pickle=False)
    return content.getvalue()
