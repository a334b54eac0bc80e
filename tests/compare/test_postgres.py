"""A storage in a real PostgreSQL, which is restarted in between."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import optuna
import pytest
from command import command
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
        pytest.skip("needs PostgreSQL")
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


QUICK = (
    "trainer.epochs=1", "data.train_size=500", "data.validation_size=500", "regularizer=none,l1",
    "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=2", "hydra.launcher.workers=1",
)  # fmt: skip
DSN = "hydra.sweeper.storage='${oc.env:DSN}'"


def all_that_is_there(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_sweep_outlives_a_restart_of_its_storage_and_tells_no_password(server, tmp_path):
    sweep = ("-m", *QUICK, "hydra.sweeper.confirm_seeds=2")
    said = []
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "regsweep", *sweep, "hydra.sweep.dir=theirs", DSN],
        cwd=tmp_path,
        env={**os.environ, "DSN": server.address()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout:
            said.append(line)
            if "search: 2/4 trials" in line:
                server.control("restart")

    assert process.returncode == 0, "".join(said)
    assert any("search: 2/4 trials" in line for line in said)
    assert PASSWORD not in "".join(said)
    assert PASSWORD.encode() not in all_that_is_there(tmp_path)
    own = command(*sweep, "hydra.sweep.dir=own", cwd=tmp_path)
    assert own.returncode == 0, own.stderr
    theirs, ours = (tmp_path / name / "comparison.csv" for name in ("theirs", "own"))
    assert theirs.read_bytes() == ours.read_bytes()


def test_the_stock_sweeper_tells_no_password(server, tmp_path):
    stock = ("-m", "hydra/sweeper=optuna", *QUICK)
    done = command(*stock, DSN, cwd=tmp_path, DSN=server.address())

    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert PASSWORD.encode() not in all_that_is_there(tmp_path)


@pytest.mark.parametrize("sweeper", ["compare", "optuna"])
def test_an_address_with_a_password_is_refused_before_anything_is_made(server, tmp_path, sweeper):
    address = f"hydra.sweeper.storage='{server.address()}'"
    done = command("-m", f"hydra/sweeper={sweeper}", *QUICK, address, cwd=tmp_path)

    assert done.returncode == 1
    assert "${oc.env:DSN}" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
