"""Files that say how they were called, in every way that Python knows."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import regsweep

SAYING = "from regsweep import called; print(called.given()); print(called.command('x', 'y=[1]'))"
CALLS = {
    ("my study.py",): "'my study.py'",
    ("-W", "error", "mine/study.py"): "-W error mine/study.py",
    ("-m", "mine.study"): "-m mine.study",
    ("-Wd", "-mmine.study"): "-Wd -mmine.study",
    ("-m", "mine"): "-m mine",
    ("mine",): "mine",
    ("-c", SAYING): f"-c {shlex.quote(SAYING)}",
}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    here = tmp_path_factory.mktemp("here")
    (here / "mine").mkdir()
    for name in ("my study.py", "mine/study.py", "mine/__main__.py"):
        (here / name).write_text(SAYING)
    script = here / "bin" / "study"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{SAYING}")
    script.chmod(0o755)
    return here


def said(*words, cwd, path):
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(Path(regsweep.__path__[0]).parent)}
    done = subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )
    given, command = done.stdout.splitlines()
    return given, command


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_the_interpreter_and_what_it_ran_are_named(here, words):
    given, command = said(sys.executable, *words, "-m", "mine", "a=1", cwd=here, path="")

    assert given == "['-m', 'mine', 'a=1']"
    assert command == f"{sys.executable} {CALLS[words]} x 'y=[1]'"


def test_what_a_shell_finds_is_called_by_its_name(here):
    script = here / "bin" / "study"
    path = f"{script.parent}:{Path(sys.executable).parent}"

    assert said(script, "-m", cwd=here, path=path) == ("['-m']", "study x 'y=[1]'")
    name = Path(sys.executable).name
    _, command = said(sys.executable, "mine/study.py", cwd=here, path=path)
    assert command == f"{name} mine/study.py x 'y=[1]'"
    python = Path("bin", name)
    (here / python).symlink_to(sys.executable)
    _, command = said(python, "-c", SAYING, cwd=here, path="")
    assert command.startswith(f"{python} -c ")
    _, command = said(script, cwd=here, path="")
    assert command == f"{sys.executable} {script} x 'y=[1]'"
