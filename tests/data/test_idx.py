import pytest
import torch
from torchvision.datasets import MNIST

from regsweep.data.idx import read_images, read_labels
from regsweep.errors import InputError


@pytest.mark.parametrize(("train", "part"), [(True, "train"), (False, "t10k")])
def test_images_and_labels_are_those_that_torchvision_reads(root, packed, train, part):
    theirs = MNIST(root, train=train)
    images = read_images(packed / f"{part}-images-idx3-ubyte")
    labels = read_labels(packed / f"{part}-labels-idx1-ubyte")
    assert images.dtype == torch.uint8
    assert images.is_contiguous()
    assert labels.dtype == torch.int64
    assert torch.equal(images, theirs.data)
    assert torch.equal(labels, theirs.targets)


def test_labels_are_refused_as_images(packed):
    with pytest.raises(InputError, match=r"labels.*starts with 00000801, expected 00000803"):
        read_images(packed / "train-labels-idx1-ubyte")


def test_a_file_of_another_length_than_its_header_says_is_refused(root):
    path = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    content = path.read_bytes()
    for wrong in (content[:-1], content + b"\0"):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=f"promises 313616 bytes, but it has {len(wrong)}"):
            read_images(path)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\x08\x03\0\0\0\x01"])
def test_a_file_without_a_whole_header_is_refused(tmp_path, content):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an IDX file"):
        read_images(path)


def test_images_of_another_size_are_refused(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(bytes.fromhex("00000803 00000001 00000002 00000003") + bytes(6))
    with pytest.raises(InputError, match="expected images of 28 x 28 pixels, found 2 x 3"):
        read_images(path)
