import hashlib

import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines.choice import LOCAL
from regsweep.packs.engines.delivery import Delivering, Files, Lacking, delivered, with_files


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "folder" / "rows"
    path.parent.mkdir()
    path.write_bytes(b"rows")
    return path, Files({str(path): hashlib.sha256(b"rows").hexdigest()})


def test_a_call_that_lacks_a_file_is_done_again_with_it(files):
    path, known = files
    engine = Delivering(LOCAL)
    engine.files = known
    assert known.contents  # read before it goes
    path.unlink()
    path.parent.rmdir()

    assert engine.submit(path.read_bytes, 1).result(timeout=60) == b"rows"


def test_what_is_there_stays_as_it_is(files):
    path, known = files
    before = path.stat()

    assert delivered(known.contents, known.sha256, lambda: "done") == "done"
    assert path.stat() == before


def test_another_file_is_named(files):
    path, known = files
    path.write_bytes(b"others")

    with pytest.raises(ClusterFault, match=rf"^{path}: another file on the worker "):
        with_files(known.sha256, lambda: "done")


def test_a_file_that_is_not_there_is_not_made_up(files):
    path, known = files
    path.unlink()

    with pytest.raises(Lacking):
        with_files(known.sha256, lambda: "done")


def test_a_place_that_cannot_be_written_is_named(files, tmp_path):
    path, known = files
    contents = known.contents
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file")

    with pytest.raises(ClusterFault, match=rf"^{path}: lacks on the worker .* cannot be put"):
        delivered(contents, known.sha256, lambda: "done")
