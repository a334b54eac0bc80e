import os
import signal
import subprocess
import sys

import pytest

from regsweep.report.__main__ import main
from regsweep.report.tables import scan


def test_it_gathers_and_returns_0_though_a_record_is_unreadable(folder, capsys):
    folder.trial(0, 0.5, 0.5)
    (folder.unfinished("sweep/torn") / "record.json").write_text("{")
    assert main([str(folder.root), "--out", str(folder.root / "out")]) == 0
    assert (folder.root / "out" / "runs.csv").exists()
    assert "1 unreadable:" in capsys.readouterr().out


def test_bad_input_is_one_message_and_1(folder, capsys):
    missing = folder.root / "missing"
    assert main([str(missing)]) == 1
    assert capsys.readouterr() == ("", f"regsweep-report: {missing}: no such directory\n")


def test_a_quoted_home_is_expanded(folder, capsys, monkeypatch):
    folder.trial(0, 0.5, 0.5)
    monkeypatch.setenv("HOME", str(folder.root))
    assert main(["~/sweep", "--out", "~/out"]) == 0
    assert (folder.root / "out" / "runs.csv").exists()


def test_a_mistyped_option_is_one_message_and_1(capsys):
    assert main(["somewhere", "--ouT", "x"]) == 1
    expected = "regsweep-report: --ouT: no such option; known: --out DIR, --against ARM, --help\n"
    assert capsys.readouterr().err == expected


def messages_of(capsys, *arguments):
    assert main(list(map(str, arguments))) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err.removeprefix("regsweep-report: ").splitlines()


def test_every_bad_argument_is_one_message(folder, capsys):
    folder.trial(0, 0.5, 0.5)
    root, file = folder.root, folder.root / "file"
    file.touch()
    unnamed = "expected the name of a folder"
    for arguments, expected in {
        ("--foo",): "--foo: no such option; known: --out DIR, --against ARM, --help",
        (): "DIR: name at least one, such as multirun/2026-01-31/12-00-00",
        ("",): f"DIR=: {unnamed}",
        (root, ""): f"DIR=: {unnamed}",
        (root, "--out="): f"--out=: {unnamed}",
        (root, "--out"): "argument --out: expected one argument",
        (root / "mul*run",): f"{root}/mul*run: no such directory",
        (file,): f"{file}: expected a directory, but it is none",
        (root, f"--out={file}"): f"--out={file}: expected a folder, but it is something else",
        (root, root / "sweep"): "--out: name a folder for the tables of 2 directories",
    }.items():
        assert messages_of(capsys, *arguments) == [expected]


def test_a_folder_that_cannot_be_listed_is_one_message(folder, capsys, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(scan.os, "scandir", refused)
    assert messages_of(capsys, folder.root) == [
        f"{folder.root}: no record that can be read (1 unreadable, 0 unfinished): "
        f"{folder.root}: Permission denied"
    ]


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_no_half_written_file(folder, capsys, monkeypatch, number, code, word):
    folder.trial(0, 0.5, 0.5)
    sync, calls = os.fsync, []

    def interrupted(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:  # of the second file: the first has one of its folder, too
            os.kill(os.getpid(), number)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", interrupted)
    before = signal.getsignal(signal.SIGTERM)
    # A shell that runs the tests in the background has them ignore it.
    own = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended = main([str(folder.root)])
    except SystemExit as error:
        ended = error.code
    finally:
        signal.signal(signal.SIGINT, own)
    assert ended == code
    assert capsys.readouterr() == ("", f"regsweep-report: {word}\n")
    assert sorted(path.name for path in folder.root.iterdir()) == ["runs.csv", "sweep"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_interrupt_while_pandas_loads_is_one_message(folder):
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *others):\n"
        "        if name == 'pandas': os.kill(os.getpid(), signal.SIGINT)\n"
        "from regsweep.report.__main__ import main\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        f"raise SystemExit(main([{str(folder.root)!r}]))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "regsweep-report: interrupted\n")


def test_the_command_imports_neither_torch_nor_hydra_and_shows_any_name_anywhere(folder):
    folder.trial(0, 0.5, 0.5, sweep="Läufe")
    folder.trial(1, 0.5, 0.5, sweep="\udcff")
    code = (
        "import sys; from regsweep.report.__main__ import main; "
        f"assert main([{str(folder.root)!r}]) == 0; "
        "print(sorted({'torch', 'hydra', 'omegaconf', 'optuna'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code]
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert done.stdout.splitlines()[-1] == "[]"
    assert r"L\xe4ufe" in done.stdout
    assert r"\xff" in done.stdout
    assert done.stderr == ""


def test_help_and_exit_codes_of_the_module(tmp_path):
    command = [sys.executable, "-m", "regsweep.report"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "usage: regsweep-report [-h] [--out DIR] [--against ARM] DIR [DIR ...]"
    )
    done = subprocess.run([*command, tmp_path / "no"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"regsweep-report: {tmp_path / 'no'}: no such directory\n"
