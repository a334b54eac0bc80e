"""A CSV file as a data frame, whose every fault has a message that says where it is."""

import codecs
import csv
import io
import re
import warnings

import pandas as pd

from regsweep.data.own_file import OwnFile
from regsweep.errors import InputError


def read_csv(file: OwnFile) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of ``file``, in UTF-8 with commas and a header, and what is to be said of them.

    Raises:
        InputError: it is none, or a name stands twice in its header.
    """
    text = _text(file)
    try:
        names = next(csv.reader(io.StringIO(text)), [])
    except csv.Error as error:
        raise _wrong(
            file, f"the first line cannot be read ({error}); expected the names of the columns"
        ) from error
    _check_names(file, names)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Without an index column, a row that is too long is no row with a name.
            frame = pd.read_csv(io.StringIO(text), index_col=False, low_memory=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        why = str(error).strip().removeprefix("Error tokenizing data. C error: ")
        raise _wrong(file, f"rows differ from the header, {len(names)} names ({why})") from error
    if frame.empty:
        raise _wrong(file, "there is no row below the header")
    frame.columns = pd.Index(names)
    passed_over = []
    if not names[0]:  # where a data frame has written its index
        frame = frame.iloc[:, 1:]
        passed_over.append("the first column, which has no name")
    unquoted = re.sub(r'"[^"]*"', '""', text.rstrip())
    if empty := sum(not line.strip() for line in unquoted.splitlines()):
        passed_over.append(f"{empty} empty line{'' if empty == 1 else 's'}")
    return frame, tuple(f"{file.key}={file.path}: passed over {what}" for what in passed_over)


def _text(file: OwnFile) -> str:
    if file.content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _wrong(
            file, f"it is UTF-16, expected UTF-8: iconv -f utf-16 -t utf-8 {file.path} > new.csv"
        )
    if (place := file.content.find(b"\0")) >= 0:
        line = file.content.count(b"\n", 0, place) + 1
        raise _wrong(file, f"line {line} has a NUL byte, expected text in UTF-8")
    try:
        return file.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        raise _wrong(
            file,
            f"line {line} is not UTF-8 (byte 0x{file.content[error.start]:02x}); where it is "
            f"Latin-1: iconv -f latin1 -t utf-8 {file.path} > new.csv",
        ) from error


def _check_names(file: OwnFile, names: list[str]) -> None:
    if not any(names):
        raise _wrong(file, "the first line is empty, expected the names of the columns")
    if len(names) == 1 and (other := next((s for s in ";\t|" if s in names[0]), None)):
        raise _wrong(file, f"columns are separated by {other!r}, expected commas")
    for place, name in enumerate(names, start=1):
        if not name and place > 1:
            raise _wrong(file, f"column {place} has no name in the first line")
        if names.index(name) < place - 1:
            first = names.index(name) + 1
            raise _wrong(file, f"columns {first} and {place} are both named {name}")


def _wrong(file: OwnFile, what: str) -> InputError:
    return InputError(f"{file.key}={file.path}: {what}")
