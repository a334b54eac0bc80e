"""The databases that studies are kept in: damaged, held by others, full, gone for a while."""

import re
import sqlite3
import threading
import time

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from regsweep.compare import storage
from regsweep.compare.index import Index
from regsweep.compare.storage import open_storage
from regsweep.errors import InputError, MachineFault


def test_a_torn_storage_is_set_aside(tmp_path, caplog):
    (tmp_path / "optuna.db").write_bytes(b"no database" * 1000)

    open_storage(None, tmp_path)

    assert (tmp_path / "optuna.db.damaged-1").read_bytes().startswith(b"no database")
    assert "optuna.db cannot be read" in caplog.text


def test_a_storage_that_cannot_be_opened_is_told_without_its_password(tmp_path):
    with pytest.raises(InputError, match=r"^hydra.sweeper.storage=mysql:\.\.\.: cannot be opened"):
        open_storage("mysql://me:secret@localhost/x", tmp_path)


@pytest.mark.parametrize("name", ["a b,c?d=1", "50%"])
def test_a_storage_lies_in_its_folder_whatever_that_is_called(tmp_path, name):
    (tmp_path / name).mkdir()
    open_storage(None, tmp_path / name)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "optuna.db").exists()


def test_a_storage_that_another_process_holds_is_not_taken_for_damaged(tmp_path, monkeypatch):
    open_storage(None, tmp_path)
    held = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")

    monkeypatch.setattr(storage, "PATIENCE", 0.2)
    with held, pytest.raises(MachineFault, match=r"optuna\.db: no answer for 0\.2 s .*locked"):
        open_storage(None, tmp_path)
    held.close()


def test_a_lock_is_waited_for(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(storage, "BUSY_WAIT", 0.05)
    index = Index(open_storage(None, tmp_path), ["l1"])
    index.keep("l1", [optuna.create_trial(state=TrialState.RUNNING)])
    held = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None, check_same_thread=False)
    held.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(0.5, held.close)
    release.start()

    index.keep("l1", [optuna.create_trial(value=1.0)])
    release.join()

    assert "optuna.db: OperationalError: database is locked; trying again for 120 s" in caplog.text
    [trial] = optuna.load_study(study_name="l1", storage=index.storage.optuna).trials
    assert trial.value == 1.0


def test_a_storage_that_refuses_writing_is_told(tmp_path):
    opened = open_storage(None, tmp_path)
    event.listen(opened.optuna.engine, "connect", lambda c, _: c.execute("PRAGMA query_only=1"))
    opened.optuna.engine.dispose()

    with pytest.raises(MachineFault) as caught:
        Index(opened, ["l1"])

    assert str(caught.value) == (
        f"{tmp_path}/optuna.db: OperationalError: attempt to write a readonly database"
    )


def test_what_is_free_is_told_where_a_storage_has_no_room(tmp_path):
    opened = open_storage(None, tmp_path)
    index = Index(opened, ["l1"])
    event.listen(opened.optuna.engine, "connect", lambda c, _: c.execute("PRAGMA max_page_count=1"))
    opened.optuna.engine.dispose()

    long = "long" * 2000  # needs a page of its own
    space = {"key": CategoricalDistribution([long])}
    trial = optuna.create_trial(value=1.0, params={"key": long}, distributions=space)
    with pytest.raises(MachineFault) as caught:
        index.keep("l1", [trial])

    said = re.escape(f"{tmp_path}/optuna.db: OperationalError: database or disk is full; ")
    assert re.fullmatch(rf"{said}\d[\d,]* bytes free", str(caught.value))


def test_an_answer_that_was_lost_makes_no_second_trial(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "PAUSE", 0.0)
    index = Index(open_storage(None, tmp_path), ["l1"])
    study, _ = index.known["l1"]
    add_trial = study.add_trial

    def lose(trial):
        add_trial(trial)
        locked = sqlite3.OperationalError("database is locked")
        locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("COMMIT", None, locked)

    monkeypatch.setattr(study, "add_trial", lose)
    trials = [optuna.create_trial(value=1.0), optuna.create_trial(value=2.0)]
    index.keep("l1", trials[:1])
    index.keep("l1", trials)

    held = optuna.load_study(study_name="l1", storage=index.storage.optuna).trials
    assert [trial.value for trial in held] == [1.0, 2.0]


def held_in(index):
    return optuna.load_study(study_name="l1", storage=index.storage.optuna).trials


def test_what_is_to_be_shown_is_written_while_something_else_is_done(tmp_path):
    index = Index(open_storage(None, tmp_path), ["l1"])
    index.show("l1", [optuna.create_trial(value=1.0)])
    assert held_in(index) == []
    with index.written_meanwhile():
        while not held_in(index):
            time.sleep(0.01)
    assert [trial.value for trial in held_in(index)] == [1.0]


def test_what_is_not_written_then_is_written_another_time(tmp_path, monkeypatch):
    index = Index(open_storage(None, tmp_path), ["l1"])
    index.show("l1", [optuna.create_trial(value=float(number)) for number in range(50)])
    study, _ = index.known["l1"]
    add_trial, begun = study.add_trial, threading.Event()

    def add_slowly(trial):
        add_trial(trial)
        begun.set()
        time.sleep(0.02)

    monkeypatch.setattr(study, "add_trial", add_slowly)
    with index.written_meanwhile():
        begun.wait()
    assert 1 <= len(held_in(index)) < 50
    index.write()
    assert [trial.value for trial in held_in(index)] == [float(number) for number in range(50)]


def test_a_storage_that_fails_meanwhile_is_told_and_so_is_what_else_fails(tmp_path, monkeypatch):
    opened = open_storage(None, tmp_path)
    index = Index(opened, ["l1"])
    event.listen(opened.optuna.engine, "connect", lambda c, _: c.execute("PRAGMA query_only=1"))
    opened.optuna.engine.dispose()
    index.show("l1", [optuna.create_trial(value=1.0)])
    study, _ = index.known["l1"]
    add_trial, begun = study.add_trial, threading.Event()
    monkeypatch.setattr(study, "add_trial", lambda trial: begun.set() or add_trial(trial))
    refused = pytest.raises(MachineFault, match="attempt to write a readonly database")
    with refused, index.written_meanwhile():
        begun.wait()
    with pytest.raises(KeyError), index.written_meanwhile():
        raise KeyError("its own")


@pytest.mark.parametrize("number", range(2))
def test_processes_that_open_a_fresh_database_at_once_all_get_it(tmp_path, number):
    begin, failed = threading.Barrier(6), []

    def enter(which):
        begin.wait()
        try:
            Index(open_storage(f"sqlite:///{tmp_path}/shared.db", tmp_path), [str(which)])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=enter, args=(which,)) for which in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(optuna.get_all_study_names(f"sqlite:///{tmp_path}/shared.db")) == 6
