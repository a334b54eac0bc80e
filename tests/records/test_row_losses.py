import io
import re

import numpy as np
import pytest

from regsweep.records.row_losses import read_row_losses, write_row_losses
from regsweep.records.stored import Unreadable

LOSSES = np.array([0.25, 1.5, 0.0], np.float32)
MEAN = 1.75 / 3
NO_ROW = "unreadable (expected one row of float32, as NumPy saves it)"


def test_losses_read_back_the_same_at_4_bytes_a_row(tmp_path):
    path = write_row_losses(np.arange(10_000, dtype=np.float32), tmp_path / "test_losses.npy")

    assert (read_row_losses(path, 4999.5) == np.arange(10_000)).all()
    assert path.stat().st_size < 40_200
    assert (np.load(path) == np.arange(10_000)).all()
    assert list(tmp_path.iterdir()) == [path]


def npy(array, **kept):
    content = io.BytesIO()
    np.save(content, array, **kept)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", NO_ROW),
        (b"row,loss", NO_ROW),
        (npy(LOSSES)[:-2], NO_ROW),
        (npy(LOSSES) + b"\0", NO_ROW),
        (npy(LOSSES).replace(b"(3,)", b"(4,)"), NO_ROW),
        (npy(LOSSES).replace(b"(3,)", b"(3, "), NO_ROW),  # TokenError in NumPy
        (npy(LOSSES).replace(b"(3,)", b"(03)"), NO_ROW),  # SyntaxError
        (npy(LOSSES).replace(b"(3,), }           ", b"(999999999999,), }"), NO_ROW),  # MemoryError
        (b"PK\3\4" + npy(LOSSES)[4:], NO_ROW),  # BadZipFile
        (npy(LOSSES.astype(float)), NO_ROW),
        (npy(LOSSES.reshape(3, 1)), NO_ROW),
        (npy(np.array([{}])), NO_ROW),
        (npy(LOSSES[:0]), "not this run's: a mean of nan, and its record says 0.583333"),
        (npy(LOSSES * 2), "not this run's: a mean of 1.16667, and its record says 0.583333"),
        (npy(LOSSES * np.float32([np.inf, -np.inf, 1])), "not this run's: a mean of nan, and"),
        (npy(LOSSES * np.nan), "not this run's: a mean of nan, and its record says 0.583333"),
    ],
)
def test_what_is_not_the_losses_of_the_run_is_refused(tmp_path, content, said):
    path = tmp_path / "test_losses.npy"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=re.escape(f"{path}: {said}")):
        read_row_losses(path, MEAN)
