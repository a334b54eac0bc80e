import pytest
from composed import checked_sweep

from regsweep.errors import InputError
from regsweep.sweep.address import passwords_in, without_passwords

SECRET = "sesame"
ADDRESSES = [
    f"postgresql://me:{SECRET}@host/db",
    f"postgresql+psycopg://me:{SECRET}@host/db",
    f"postgresql://host/db?user=me&password={SECRET}",
    f"mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3D{SECRET}",
    f"${{oc.env:DSN,postgresql://me:{SECRET}@host/db}}",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("sweeper", ["compare", "optuna"])
def test_a_password_is_refused_and_not_repeated(address, sweeper):
    with pytest.raises(InputError) as caught:
        checked_sweep(f"hydra/sweeper={sweeper}", f"hydra.sweeper.storage='{address}'")

    told = str(caught.value)
    assert told.startswith("hydra.sweeper.storage=")
    assert told.endswith("give hydra.sweeper.storage='${oc.env:DSN}'")
    assert SECRET not in told


@pytest.mark.parametrize("given", ["${oc.env:DSN}", "postgresql://me:${oc.env:DSN}@host/db"])
def test_one_from_the_environment_is_taken(given, monkeypatch):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    monkeypatch.setenv("DSN", f"postgresql+psycopg://me:{SECRET}@host/db")
    if given.startswith("postgresql"):
        monkeypatch.setenv("DSN", SECRET)
        given = given.replace("postgresql", "postgresql+psycopg")

    config, sweep = checked_sweep(f"hydra.sweeper.storage='{given}'")

    assert SECRET in config.hydra.sweeper.storage
    assert SECRET not in str(sweep)


EXPECTED = "expected an address such as sqlite:///optuna.db or postgresql://me@host/optuna"
JOURNAL = "a journal file is not taken: it breaks where its writer is killed"
REFUSED = {
    "x.db": f"{EXPECTED}; a file of this name is sqlite:///x.db",
    "runs/x.sqlite3": f"{EXPECTED}; a file of this name is sqlite:///runs/x.sqlite3",
    "journal.log": f"{EXPECTED}; {JOURNAL}",
    "journal:///x": f"{EXPECTED}; {JOURNAL}",
    "redis://host": f"{EXPECTED}; Optuna's redis storages are not taken",
    "grpc://host:1": f"{EXPECTED}; Optuna's grpc storages are not taken",
    "sqlite://": "expected a file, such as sqlite:///optuna.db: nothing is left of a database in "
    "memory",
    "sqlite:///:memory:": "expected a file, such as sqlite:///optuna.db: nothing is left of a "
    "database in memory",
}


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_no_database_is_refused_by_name(address):
    with pytest.raises(InputError) as caught:
        checked_sweep(f"hydra.sweeper.storage='{address}'")

    assert str(caught.value) == f"hydra.sweeper.storage={address}: {REFUSED[address]}"


def test_a_database_without_a_password_is_taken():
    for address in ("sqlite:///x.db", "sqlite:////a@b:c@d/x.db"):
        checked_sweep(f"hydra.sweeper.storage='{address}'")
        assert passwords_in(address) == ()


def test_messages_lose_their_passwords():
    told = without_passwords(f"x=postgresql://me:{SECRET}@h/d: no")

    assert told == "x=postgresql://me:***@h/d: no"


@pytest.mark.parametrize("values", ["tag(log, range(1,100))", "tag(log, choice(1,10))"])
def test_a_log_scale_of_what_is_listed_is_refused(values):
    with pytest.raises(InputError, match="what is listed is drawn evenly"):
        checked_sweep(f"trainer.batch_size={values}")


def test_a_sampler_that_is_gone_is_refused_by_name():
    with pytest.raises(InputError, match="take hydra/sweeper/sampler=tpe"):
        checked_sweep("hydra/sweeper/sampler=motpe")
