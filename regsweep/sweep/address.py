"""The address of a storage: what it may be, and that no password in it is written anywhere."""

import re

from hydra.conf import HydraConf
from omegaconf import OmegaConf

from regsweep.errors import InputError, bad_value
from regsweep.sweep.kinds import COMPARE

KEY = "hydra.sweeper.storage"
_PASSWORDS = re.compile(
    r"(?:://[^/:@\s]*:|^[^/:@\s]*:(?!//))(?P<user>[^@]*)@"
    r"|(?:[?&;]|%3B)\w*(?:pass(?:word|wd|phrase)|pwd|secret|token)\w*(?:=|%3D)(?P<option>[^&;%\s]+)",
    re.IGNORECASE,
)
_NAMED_ONLY = re.compile(r"\$\{oc\.env:[^{},]*\}")
_EXPECTED = "an address such as sqlite:///optuna.db or postgresql://me@host/optuna"


def refuse_password(hydra: HydraConf) -> None:
    """Refuse a password that Hydra would write into the folder of every run.

    Raises:
        InputError: the storage's address holds one that is not taken from the environment.
    """
    given = _given(hydra)
    from_environment = "${oc.env:" in given
    if passwords_in(given if from_environment else str(hydra.sweeper.get("storage"))):
        raise InputError(
            f"{KEY}={without_passwords(given)}: its password would be written into the folder of "
            f"every run; keep the address in an environment variable and give {KEY}="
            "'${oc.env:DSN}'"
        )


def check_storage(hydra: HydraConf) -> None:
    """Whether the storage of a sweep is the address of a database, without a password.

    Raises:
        InputError: it is not.
    """
    refuse_password(hydra)
    address = hydra.sweeper.get("storage")
    if address is None:
        return
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    given = without_passwords(_given(hydra))
    try:
        url = make_url(address)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError):
        raise bad_value(KEY, given, f"{_EXPECTED}{_why_not(str(address))}") from None
    except ImportError as error:
        raise InputError(f"{KEY}={given}: its driver is not installed ({error})") from None
    in_memory = url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")
    if in_memory and hydra.sweeper["_target_"] == COMPARE:
        expected = "a file, such as sqlite:///optuna.db: nothing is left of a database in memory"
        raise bad_value(KEY, given, expected)


def _given(hydra: HydraConf) -> str:
    """The storage as it is written, interpolations as such."""
    given = OmegaConf.to_container(hydra.sweeper, resolve=False)
    assert isinstance(given, dict)
    return str(given.get("storage"))


def _why_not(address: str) -> str:
    scheme = address.partition(":")[0]
    if scheme == "journal" or address.endswith((".log", ".journal")):
        return "; a journal file is not taken: it breaks where its writer is killed"
    if scheme in ("redis", "rediss", "grpc"):
        return f"; Optuna's {scheme} storages are not taken"
    if re.fullmatch(r"[^:?]+\.(db|sqlite3?)", address):
        return f"; a file of this name is sqlite:///{address}"
    return ""


def passwords_in(text: str) -> tuple[str, ...]:
    """The passwords in ``text``, but for those that it takes from the environment."""
    found = (match["user"] or match["option"] for match in _PASSWORDS.finditer(text))
    return tuple(word for word in found if word and not _NAMED_ONLY.fullmatch(word))


def without_passwords(text: str) -> str:
    """``text`` with asterisks for the passwords of the addresses in it."""
    for password in passwords_in(text):
        text = text.replace(password, "***")
    return text
