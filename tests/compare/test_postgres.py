"""A storage in a real PostgreSQL, which is restarted in between."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from regsweep.compare.index import Index
from regsweep.compare.storage import open_storage
from regsweep.errors import InputError

BIN = next(Path("/usr/lib/postgresql").glob("*/bin"), None)
PASSWORD = "sesame"


class Server:
    """PostgreSQL on a Unix socket in a folder of its own."""

    def __init__(self, home):
        self.home = home
        # It refuses to run as root.
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": ()}
        self.user = self.user if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(home, "nobody", "nogroup")
        (home / "password").write_text(PASSWORD)
        (home / "password").chmod(0o644)
        self.run("initdb", "-D", home / "data", "-U", "me", "-A", "scram-sha-256",
                 f"--pwfile={home / 'password'}")  # fmt: skip
        self.control("start")

    def run(self, name, *arguments):
        subprocess.run(
            [BIN / name, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self.home,
            timeout=60,
            **self.user,
        )

    def control(self, what):
        options = ("-o", f"-c listen_addresses= -k {self.home}") if what != "stop" else ()
        log = ("-l", self.home / "log")
        self.run("pg_ctl", "-D", self.home / "data", "-w", "-m", "immediate", *log, *options, what)

    def address(self, password=PASSWORD):
        return f"postgresql+psycopg://me:{password}@/postgres?host={self.home}"


@pytest.fixture(scope="module")
def server():
    if BIN is None:
        pytest.skip("PostgreSQL is not installed")
    home = Path(tempfile.mkdtemp(prefix="pg"))
    one = Server(home)
    yield one
    one.control("stop")
    shutil.rmtree(home)


def test_a_restart_loses_and_doubles_nothing(server, tmp_path):
    index = Index(open_storage(server.address(), tmp_path), ["l1"])
    trials = [optuna.create_trial(state=TrialState.RUNNING)]
    index.keep("l1", trials)

    server.control("restart")
    index.keep("l1", [optuna.create_trial(value=1.0), *trials])

    held = optuna.load_study(study_name="l1", storage=index.storage.optuna).trials
    index.storage.optuna.engine.dispose()
    assert [trial.value for trial in held] == [1.0, None]


def test_a_wrong_password_is_told_at_once_and_not_repeated(server, tmp_path):
    with pytest.raises(InputError) as caught:
        open_storage(server.address("open-" + PASSWORD), tmp_path)

    assert str(caught.value).startswith("hydra.sweeper.storage=postgresql+psycopg:...: cannot be")
    assert PASSWORD not in str(caught.value)
