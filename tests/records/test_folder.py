import os
import signal
import socket
import subprocess
import sys

import pytest

from regsweep.errors import InputError
from regsweep.records.claim import claim_on
from regsweep.records.folder import hold, read_folder

HOLD = """
import sys
from pathlib import Path
from regsweep.records.claim import claim_on
from regsweep.records.folder import hold, read_folder
with hold("hydra.sweep.dir", Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_a_second_process_is_told_who_holds_the_folder(tmp_path, holder):
    assert claim_on(tmp_path).who.startswith(f"pid {holder.pid} on {socket.gethostname()} (since ")
    for _ in range(2):  # being refused changes nothing
        with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path):
            pass
        assert str(caught.value) == (
            f"hydra.sweep.dir={tmp_path}: {claim_on(tmp_path).who} is at work in this folder; "
            "wait for it, or take another"
        )


def test_a_folder_in_one_that_is_held_is_held_too(tmp_path, holder):
    with pytest.raises(InputError) as caught, hold("hydra.run.dir", tmp_path / "0"):
        pass
    assert str(caught.value) == (
        f"hydra.run.dir={tmp_path / '0'}: {claim_on(tmp_path).who} is at work in {tmp_path}; "
        "wait for it, or take another"
    )
    assert not (tmp_path / "0").exists()


def test_so_is_a_folder_around_one(tmp_path):
    below = tmp_path / "here" / "a" / "0"
    with (
        hold("hydra.run.dir", below),
        pytest.raises(InputError) as caught,
        hold("hydra.sweep.dir", tmp_path / "here"),
    ):
        pass
    assert str(caught.value) == (
        f"hydra.sweep.dir={tmp_path / 'here'}: {claim_on(below).who} is at work in {below}; "
        "wait for it, or take another"
    )

    with hold("hydra.sweep.dir", tmp_path / "here"):  # the other has ended
        pass


def test_a_run_holds_its_own_files_and_no_folder_below(tmp_path):
    with hold("hydra.run.dir", tmp_path, ["history.csv"]):
        for key, names in (("hydra.run.dir", ["history.csv"]), ("hydra.sweep.dir", None)):
            with hold(key, tmp_path / "outputs", names):
                pass
        with pytest.raises(InputError, match="is at work in this folder"), hold("x", tmp_path):
            pass


def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    with hold("hydra.sweep.dir", tmp_path):
        assert claim_on(tmp_path).who.startswith(f"pid {os.getpid()} ")


def test_a_folder_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), hold("hydra.sweep.dir", tmp_path):
        raise KeyError

    with hold("hydra.sweep.dir", tmp_path):
        pass


@pytest.mark.parametrize("taken", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, taken):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError) as caught, hold("hydra.run.dir", tmp_path / taken):
        pass

    assert str(caught.value).startswith(
        f"hydra.run.dir={tmp_path / taken}: expected a folder that can be written ("
    )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["history.csv", ".claim", "search", "0/.hydra", "dangling"])
def test_a_link_in_the_folder_is_refused_before_anything_is_written(tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "here" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "nowhere" if name == "dangling" else outside)
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path / "here"):
        pass

    assert str(caught.value) == (
        f"{link}: a symbolic link, which could lead what is written out of {tmp_path / 'here'}; "
        "remove it, or take another folder"
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_minds_the_links_among_its_own_files_alone(tmp_path):
    (tmp_path / ".hydra").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / ".hydra")
    (tmp_path / ".hydra" / "a.yaml").symlink_to(tmp_path / "nowhere")
    with hold("hydra.run.dir", tmp_path, ["history.csv"]):
        pass

    (tmp_path / "history.csv").symlink_to(tmp_path / "nowhere")
    for names, link in ((["history.csv"], "history.csv"), ([".hydra"], ".hydra/a.yaml")):
        with pytest.raises(InputError) as caught, hold("hydra.run.dir", tmp_path, names):
            pass
        assert str(caught.value).startswith(f"{tmp_path / link}: a symbolic link, ")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


STRANGE = {"a named pipe": os.mkfifo, "a socket": make_socket, "a folder": os.mkdir}


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_file_in_its_place_is_refused_and_not_waited_for(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    STRANGE[kind]("optuna.db")

    with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path):
        pass

    assert str(caught.value) == (
        f"{tmp_path / 'optuna.db'}: {kind}, expected a regular file; remove it, or take another "
        "folder"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["optuna.db"]


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("names", [None, ["history.csv"]])
def test_nor_is_what_is_no_claim(tmp_path, monkeypatch, kind, names):
    (tmp_path / ".claim").mkdir()
    monkeypatch.chdir(tmp_path)
    STRANGE[kind](".claim/1")

    with pytest.raises(InputError) as caught, hold("hydra.sweep.dir", tmp_path, names):
        pass

    assert str(caught.value).startswith(f"{tmp_path / '.claim' / '1'}: ")
    assert f"{kind}, expected a regular file" in str(caught.value)


def test_a_pipe_is_refused_wherever_it_stands(tmp_path):
    (tmp_path / "0").mkdir()
    os.mkfifo(tmp_path / "0" / "history.csv")

    for folder, names in ((tmp_path, None), (tmp_path / "0", ["history.csv"])):
        with pytest.raises(InputError) as caught, hold("hydra.run.dir", folder, names):
            pass
        assert str(caught.value).startswith(f"{tmp_path}/0/history.csv: a named pipe, expected a ")


def test_a_pipe_in_place_of_a_record_is_left_to_who_reads_it_with_care(tmp_path):
    for name in ("record.json", "record.json.damaged-1", "sweep.json"):
        os.mkfifo(tmp_path / name)

    with hold("hydra.sweep.dir", tmp_path):
        pass


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "disk")

    with hold("hydra.sweep.dir", tmp_path / "here"):
        assert (tmp_path / "disk" / ".claim" / "1").exists()


@pytest.mark.parametrize("value", [None, "", " "])
def test_no_name_is_no_folder(value):
    with pytest.raises(InputError, match=r"^--out=.?: expected the name of a folder$"):
        read_folder("--out", value)


def test_home_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")

    assert str(read_folder("--out", "~/x")) == "/home/me/x"
