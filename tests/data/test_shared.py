"""What the processes of a sweep hold once, and the folder in which they do."""

import errno
import logging
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from regsweep.data import shared_folder
from regsweep.data.dataset import Dataset, Examples, load_dataset
from regsweep.data.shared import KEPT, held_once
from regsweep.data.shared_folder import VARIABLE, SharedFolder
from regsweep.errors import InputError
from regsweep.settings.data import Arrays
from regsweep.training import load as loading
from regsweep.training.load import facts_of, load_data


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A folder that this process shares in, as a worker does."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.fixture
def memory(monkeypatch, tmp_path):
    """A folder that stands for the memory's."""
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(shared_folder, "MEMORY", tmp_path / "memory")
    monkeypatch.setattr(shared_folder, "ROOM", 0)
    return tmp_path / "memory"


def once(thing):
    """Gives ``thing``, and fails when it is called again."""
    things = [thing]
    return things.pop


def forgotten():
    """As in another process, nothing is held."""
    for cached in (loading._facts, loading._shared, loading._loaded):
        cached.cache_clear()


def examples(rows=5):
    return Examples(torch.randn(rows, 3), torch.arange(rows))


def test_what_one_process_loads_another_maps(folder):
    given = Dataset(examples(), None, examples(7), 10)
    load = once(given)

    for _ in range(2):
        found = held_once("key", load)
        assert (found.validation, found.outputs, found.task) == (None, 10, "classification")
        for part in ("train", "test"):
            for name in ("inputs", "targets"):
                one, other = (getattr(getattr(data, part), name) for data in (found, given))
                assert torch.equal(one, other)
                assert one.dtype == other.dtype
                assert one.data_ptr() % os.sysconf("SC_PAGE_SIZE") == 0  # as products may ask


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3.5),
        torch.zeros(0, 4),
        torch.zeros(4, 0, dtype=torch.uint8),
        torch.tensor([True, False]),
        torch.arange(12).reshape(3, 4).T,
        torch.randn(3).bfloat16(),
    ],
)
def test_any_tensor_is_as_it_was(folder, tensor):
    load = once([tensor])
    for _ in range(2):
        [found] = held_once("key", load)
        assert torch.equal(found, tensor)
        assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)


def test_another_key_is_another_thing(folder):
    load = iter((1, 2)).__next__

    assert [held_once(("data", size), load) for size in (1, 2, 1)] == [1, 2, 1]


def test_what_a_process_writes_no_other_sees(folder):
    load = once(torch.zeros(2000))
    mine, others = held_once("key", load), held_once("key", load)
    mine.fill_(1)

    assert mine.sum() == 2000
    assert others.sum() == held_once("key", load).sum() == 0


def halved(path):
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("name", ["tensor_0", "index"])
@pytest.mark.parametrize("damage", [Path.unlink, halved])
def test_what_is_damaged_is_loaded_anew(folder, name, damage):
    held_once("key", once(torch.zeros(5000)))
    [path] = folder.glob(f"*/{name}")
    damage(path)

    assert held_once("key", once(torch.ones(5000))).sum() == 5000
    assert held_once("key", once(None)).sum() == 5000


def test_what_is_removed_before_it_is_mapped_is_loaded_anew(folder, monkeypatch):
    def removed(path, **how):
        os.unlink(path)
        return from_file(path, **how)

    from_file = torch.from_file
    held_once("key", once(torch.zeros(5000)))
    with monkeypatch.context() as patched:
        patched.setattr(torch, "from_file", removed)
        assert held_once("key", once(torch.ones(5000))).sum() == 5000
    assert held_once("key", once(torch.full((5000,), 2))).sum() == 10000


def test_what_is_mapped_outlives_what_is_loaded_anew(folder):
    before = held_once("key", once(torch.ones(5000)))
    next(folder.glob("*/index")).unlink()
    held_once("key", once(torch.zeros(5000)))

    assert before.sum() == 5000


def test_an_error_is_raised_and_not_held(folder):
    def wrong():
        raise InputError("wrong")

    for _ in range(2):
        with pytest.raises(InputError, match="wrong"):
            held_once("key", wrong)
    assert held_once("key", once(3)) == 3


@contextmanager
def no_room():
    """Files cannot grow beyond 100 bytes, which is an OSError as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_each_process_has_its_own(folder, caplog):
    with no_room():
        assert held_once("key", once(torch.ones(5000))).sum() == 5000

    assert os.strerror(errno.EFBIG) in caplog.text
    assert "holds examples of its own" in caplog.text
    assert [path.suffix for path in folder.iterdir()] == [".lock"]
    assert held_once("key", once(torch.zeros(5000))).sum() == 0


def test_a_folder_that_went_is_not_made_again(folder, caplog):
    shared_folder.remove(folder)

    assert held_once("key", once(3)) == 3
    assert not folder.exists()
    assert str(folder) in caplog.text


def test_only_what_was_used_last_is_kept(folder):
    for key in range(KEPT):
        held_once(key, once(key))
    held_once(0, once(None))
    held_once(KEPT, once(KEPT))

    assert len([*folder.glob("*/index")]) == KEPT
    assert held_once(0, once(None)) == 0
    assert held_once(1, once("anew")) == "anew"


def test_without_a_folder_nothing_is_shared(monkeypatch):
    for shared in (None, ""):
        monkeypatch.delenv(VARIABLE, raising=False)
        if shared is not None:
            monkeypatch.setenv(VARIABLE, shared)
        thing = object()
        assert held_once("key", once(thing)) is thing


def test_a_file_is_read_once_until_it_is_another(folder, tmp_path, monkeypatch):
    def saved(shift):
        np.savez(tmp_path / "a.npz", x=np.random.rand(60, 4) + shift, y=np.arange(60) % 3)

    data = Arrays(
        path=str(tmp_path / "a.npz"),
        train_size=None,
        validation_size=0.2,
        test_size=0.2,
        split_seed=0,
    )
    saved(0)
    forgotten()
    first, facts = load_data(data, test=True), facts_of(data)
    forgotten()
    with monkeypatch.context() as patched:
        patched.setattr(loading, "_given", None)
        again = load_data(data, test=True)
        assert facts_of(data) == facts
    assert torch.equal(first.train.inputs, again.train.inputs)
    assert torch.equal(first.test.targets, again.test.targets)

    saved(5)
    assert load_data(data, test=True).train.inputs.min() >= 5


def test_a_published_set_is_as_each_process_reads_it(folder, source, root, monkeypatch):
    from regsweep.data import dataset

    sizes = {"validation_size": 100, "train_size": None, "split_seed": 0, "test": True}

    def loaded():
        dataset._training_parts.cache_clear()
        dataset._test_part.cache_clear()
        return load_dataset("digits", root, **sizes)

    first, mapped = loaded(), loaded()
    monkeypatch.delenv(VARIABLE)
    own = loaded()

    assert len([*folder.glob("*/index")]) == 2
    for part in ("train", "validation", "test"):
        for name in ("inputs", "targets"):
            one, two, three = (getattr(getattr(d, part), name) for d in (first, mapped, own))
            assert torch.equal(one, three)
            assert torch.equal(two, three)


ENDS = """
import sys
from pathlib import Path
from regsweep.data import shared_folder
shared_folder.MEMORY, shared_folder.ROOM = Path(sys.argv[1]), 0
shared = shared_folder.SharedFolder()
print(shared.path, flush=True)
sys.stdin.readline()
"""


def start(memory):
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", ENDS, memory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, Path(process.stdout.readline().strip())


def test_the_folder_is_this_users_alone_and_goes(memory):
    shared = SharedFolder()
    made = Path(shared.path)

    assert made.parent == memory
    assert made.stat().st_mode & 0o777 == 0o700
    (made / "a").mkdir()
    shared.remove()
    shared.remove()
    assert [*memory.iterdir()] == []


def test_the_folder_goes_with_its_process(memory):
    with start(memory)[0] as process:
        assert len([*memory.iterdir()]) == 1
        process.communicate("\n", timeout=60)

    assert [*memory.iterdir()] == []


def test_the_folder_of_a_killed_process_goes_when_the_next_is_made(memory):
    alike = [memory / name for name in ("regsweep-shared-results", "regsweep-abcdefgh", "other")]
    for path in alike:
        path.mkdir()
    process, killed = start(memory)
    (killed / "a").mkdir()
    SharedFolder().remove()
    assert killed.exists()  # its process lives

    with process:
        process.kill()
    shared = SharedFolder()

    assert {*memory.iterdir()} == {*alike, Path(shared.path)}
    shared.remove()


def test_where_memory_is_small_the_folder_is_among_temporary_files(memory, monkeypatch, tmp_path):
    monkeypatch.setattr(shared_folder, "ROOM", 2**80)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shared = SharedFolder()

    assert Path(shared.path).parent == tmp_path
    shared.remove()


def test_a_folder_that_cannot_be_locked_is_not_left(memory, monkeypatch, caplog):
    def cannot(*args):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", cannot)
    shared = SharedFolder()
    assert shared.path == ""
    assert "No locks available" in caplog.text
    shared.remove()

    assert [*memory.iterdir()] == []


def test_where_no_folder_can_be_nothing_is_shared(memory, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(shared_folder, "ROOM", 2**80)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with caplog.at_level(logging.WARNING):
        shared = SharedFolder()

    assert shared.path == ""
    assert "no folder to share them" in caplog.text
    shared.remove()
