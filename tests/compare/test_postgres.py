"""A storage in a real PostgreSQL, which is restarted in between."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
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

    def control(self, what, settings=""):
        own = f"-c listen_addresses= -k {self.home} {settings}"
        options = ("-o", own) if what in ("start", "restart") else ()
        mode = ("-m", "immediate") if what in ("stop", "restart") else ()
        log = ("-l", self.home / "log") if options else ()
        self.run("pg_ctl", what, "-D", self.home / "data", "-w", *mode, *log, *options)

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


def test_a_server_is_waited_for_while_it_takes_nobody_yet_and_not_while_it_is_not_there(
    server, tmp_path, caplog
):
    server.control("stop")
    with pytest.raises(InputError, match=r"postgresql\+psycopg:\.\.\.: cannot be opened"):
        open_storage(server.address(), tmp_path)
    assert caplog.text == ""

    # It follows another one, and takes nobody before it leads itself.
    (server.home / "data" / "standby.signal").touch()
    server.control("start", "-c hot_standby=off")
    promote = threading.Timer(1, server.control, ["promote"])
    promote.start()

    try:
        opened = open_storage(server.address(), tmp_path)
    finally:
        promote.join()

    opened.optuna.engine.dispose()
    assert "the database system is not accepting connections" in caplog.text
    assert "trying again for 120 s" in caplog.text
    assert PASSWORD not in caplog.text


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


SWEEP = (
    "-m",
    *QUICK,
    "hydra.sweeper.confirm_seeds=2",
    "hydra.sweeper.max_confirm_seeds=2",
    "hydra.sweep.dir=here",
)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """The comparison of the sweep with a storage of its own."""
    here = tmp_path_factory.mktemp("untouched")
    done = command(*SWEEP, cwd=here)
    assert done.returncode == 0, done.stderr
    return (here / "here" / "comparison.csv").read_bytes()


def sweep_while(server, cwd, *program, what):
    """A sweep with the server's storage, of which ``what`` happens to the server; what it said."""
    said = []
    with subprocess.Popen(
        [sys.executable, "-u", *program, *SWEEP, DSN],
        cwd=cwd,
        env={**os.environ, "DSN": server.address()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout:
            said.append(line)
            if "search: 2/4 trials" in line:
                server.control(what)

    assert any("search: 2/4 trials" in line for line in said), "".join(said)
    assert PASSWORD not in "".join(said)
    assert PASSWORD.encode() not in all_that_is_there(cwd)
    return process.returncode, said


# A file of the user's, who trusts a class to start a cluster.
TRUSTING = """
import regsweep

if __name__ == "__main__":
    regsweep.main(trust=["distributed.LocalCluster"])
"""
ON_A_CLUSTER = (
    "hydra/launcher=pack_dask",
    "hydra.launcher.cluster={_target_: distributed.LocalCluster, threads_per_worker: 1, "
    "host: 127.0.0.1, dashboard_address: '127.0.0.1:0', worker_dashboard_address: '127.0.0.1:0'}",
)


def test_a_sweep_on_a_cluster_outlives_a_restart_of_its_storage_and_tells_no_password(
    server, tmp_path, untouched
):
    pytest.importorskip("distributed", reason="needs Dask")
    (tmp_path / "trusting.py").write_text(TRUSTING)
    code, said = sweep_while(server, tmp_path, "trusting.py", *ON_A_CLUSTER, what="restart")

    assert code == 0, "".join(said)
    assert (tmp_path / "here" / "comparison.csv").read_bytes() == untouched


# A file of the user's, who has no two minutes.
IMPATIENT = """
import regsweep
from regsweep.compare import storage

if __name__ == "__main__":
    storage.PATIENCE = 1.0
    regsweep.main()
"""


@pytest.mark.full
def test_a_storage_that_stays_away_ends_a_sweep_which_goes_on_when_it_is_back(
    server, tmp_path, untouched
):
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    code, said = sweep_while(server, tmp_path, "impatient.py", what="stop")
    server.control("start")

    assert code == 1
    assert not any("Traceback" in line for line in said)
    why, kept, resume = said[-3:]
    assert why.startswith("regsweep: hydra.sweeper.storage=postgresql+psycopg:...: ")
    assert "...: no answer for 1 s (OperationalError: " in why
    assert kept == "what is published is kept; to go on:\n"

    again = subprocess.run(
        shlex.split(resume),
        cwd=tmp_path,
        env={**os.environ, "DSN": server.address()},
        capture_output=True,
        check=False,
    )
    assert (again.returncode, again.stderr) == (0, b"")
    assert (tmp_path / "here" / "comparison.csv").read_bytes() == untouched


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
