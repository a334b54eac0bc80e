"""What a data function of a study gives: arrays, or a data frame, and test parts if there are."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Arrays:
    """The rows that a function with ``@regsweep.data`` gives.

    ``inputs`` are an array or tensor (n, columns, ...) of numbers, or a data frame, whose columns
    are encoded as those of ``data=csv``; bytes are divided by 255, other numbers are taken as they
    are: floats as float32, integers as int64 by networks of a study, as for ``nn.Embedding``, and
    as float32 by those that are built in. ``targets`` (n,) have the class of each row.
    ``test_inputs`` and ``test_targets`` are rows to test on, like the others; without them some of
    the others are. Rows alike in ``groups`` (n,) are in one part of every split.
    """

    inputs: Any
    targets: Any
    test_inputs: Any = None
    test_targets: Any = None
    groups: Any = None
