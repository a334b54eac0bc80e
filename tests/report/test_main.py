import subprocess
import sys

from regsweep.report.__main__ import main


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


def test_a_folder_without_a_name_is_one_message_and_1(folder, capsys):
    folder.trial(0, 0.5, 0.5)
    assert main([str(folder.root), "--out", ""]) == 1
    assert main([""]) == 1
    said = "expected the name of a folder"
    assert (
        capsys.readouterr().err
        == f"regsweep-report: --out=: {said}\nregsweep-report: DIR=: {said}\n"
    )


def test_a_mistyped_option_is_one_message_and_1(capsys):
    assert main(["somewhere", "--ouT", "x"]) == 1
    assert capsys.readouterr().err == "regsweep-report: unrecognized arguments: --ouT x\n"


def test_the_command_imports_neither_torch_nor_hydra(folder):
    folder.trial(0, 0.5, 0.5)
    code = (
        "import sys; from regsweep.report.__main__ import main; "
        f"assert main([{str(folder.root)!r}]) == 0; "
        "print(sorted({'torch', 'hydra', 'omegaconf', 'optuna'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""


def test_help_and_exit_codes_of_the_module(tmp_path):
    command = [sys.executable, "-m", "regsweep.report"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: regsweep-report [-h] [--out DIR] DIR [DIR ...]")
    done = subprocess.run([*command, tmp_path / "no"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"regsweep-report: {tmp_path / 'no'}: no such directory\n"
