import pytest

from regsweep.records.atomic import write_text


def test_replaces_a_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    assert write_text(path, "a\r\nb\n") == path

    assert path.read_bytes() == b"a\r\nb\n"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")

    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    path = tmp_path / "a.txt"
    path.symlink_to(tmp_path / "mine.txt")

    write_text(path, "a")

    assert (path.is_symlink(), path.read_text()) == (False, "a")
    assert (tmp_path / "mine.txt").read_text() == "mine"
