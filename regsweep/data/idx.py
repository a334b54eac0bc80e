"""The IDX file format of MNIST: a magic number, the dimensions, the bytes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regsweep.errors import MachineFault

SIDE = 28
"""Height and width of an image, in pixels."""


def read_images(path: Path) -> Tensor:
    """Images as uint8 of shape (n, 28, 28); MachineFault where the file is not such images."""
    images = _read(path, dimensions=3)
    if images.shape[1:] != (SIDE, SIDE):
        found = " x ".join(map(str, images.shape[1:]))
        raise MachineFault(f"{path}: expected images of {SIDE} x {SIDE} pixels, found {found}")
    return images


def read_labels(path: Path) -> Tensor:
    """Labels as int64 of shape (n,); MachineFault where the file is not labels."""
    return _read(path, dimensions=1).long()


def _read(path: Path, dimensions: int) -> Tensor:
    """The bytes in the shape that the header gives, as uint8."""
    content = np.fromfile(path, dtype=np.uint8)
    # Two zero bytes, 8 for "unsigned byte", the number of dimensions; then a big-endian
    # 32-bit size for each dimension.
    magic = bytes((0, 0, 8, dimensions))
    start = 4 + 4 * dimensions
    if content.size < start or content[:4].tobytes() != magic:
        raise MachineFault(
            f"{path}: not an IDX file of bytes in {dimensions} dimension(s): it starts with "
            f"{content[:4].tobytes().hex() or 'nothing'}, expected {magic.hex()}"
        )
    shape = [int(size) for size in content[4:start].view(">u4")]
    expected = start + int(np.prod(shape, dtype=object))
    if content.size != expected:
        raise MachineFault(
            f"{path}: its header promises {expected} bytes, but it has {content.size}"
        )
    return torch.from_numpy(content[start:].reshape(shape))
