import json
import os
import socket

import pytest

from regsweep.records import stored
from regsweep.records.stored import Unreadable, read_bytes, read_json


def reason(path, read=read_json):
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    return caught.value.reason


def json_of(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reads_what_json_writes(tmp_path):
    value = {"a": [1, -2.5e-7, None, True, "ä 😀", {"b": []}], "c": 2**70}
    assert read_json(json_of(tmp_path, json.dumps(value, indent=1) + "\n")) == value
    assert read_json(json_of(tmp_path, json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "unreadable (Expecting value: line 1 column 1 (char 0))"),
        ('{"a": 1} {', "unreadable (Extra data: line 1 column 10 (char 9))"),
        ('{"a": NaN}', "unreadable (NaN is no JSON)"),
        ('{"a": [-Infinity]}', "unreadable (-Infinity is no JSON)"),
        ('{"a": 1e999}', "unreadable (1e999 is out of range)"),
        ('{"a": 1, "b": 2, "a": 1}', "unreadable (the key 'a' stands twice)"),
        ('{"x": {"a": 1, "a": 2}}', "unreadable (the key 'a' stands twice)"),
        ("1" * 301, "unreadable (an integer of 301 digits)"),
        ("9" * 5000, "unreadable (an integer of 5000 digits)"),
        (r'"\ud800"', "unreadable (no text: surrogates not allowed)"),
        (r'{"\udfff": 1}', "unreadable (no text: surrogates not allowed)"),
        (b'"\xff"', "unreadable (no UTF-8: invalid start byte)"),
        (b'"\xed\xa0\x80"', "unreadable (no UTF-8: invalid continuation byte)"),
        ("[" * 400 + "]" * 400, "unreadable (nested more than 32 levels deep)"),
        ('{"a":' * 400 + "1" + "}" * 400, "unreadable (nested more than 32 levels deep)"),
        ("[" * 100_000, "unreadable (maximum recursion depth exceeded"),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_what_is_no_json_of_ours_is_named(tmp_path, text, expected):
    assert reason(json_of(tmp_path, text)).startswith(expected)


def test_many_values_side_by_side_are_not_deep(tmp_path):
    assert len(read_json(json_of(tmp_path, json.dumps([[]] * 1000)))) == 1000


@pytest.mark.parametrize("name", ["pipe", "folder", "link", "broken", "missing", "socket"])
def test_only_regular_files_are_read_and_nothing_is_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "broken").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        expected = {
            "pipe": "a named pipe, expected a regular file",
            "folder": "a folder, expected a regular file",
            "link": "a symbolic link, expected a regular file",
            "broken": "a symbolic link, expected a regular file",
            "missing": "No such file or directory",
            "socket": "No such device or address",
        }
        assert reason(tmp_path / name) == f"unreadable ({expected[name]})"


def test_a_device_is_not_read():
    assert reason("/dev/zero", read_bytes) == "unreadable (a device, expected a regular file)"


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "MOST_BYTES", 4)
    assert read_bytes(json_of(tmp_path, "1234")) == b"1234"
    expected = "unreadable (5 bytes, expected at most 4)"
    assert reason(json_of(tmp_path, "12345"), read_bytes) == expected
