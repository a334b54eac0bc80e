"""A call on its way to another process, and the answer on its way back."""

import os
import pickle
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import cloudpickle


class RemoteTraceback(Exception):
    """The traceback of an error in another process, which is its cause."""


def pickled(call: Callable[[], Any]) -> bytes:
    """``call``, with where this process finds modules and where it is at work."""
    return pickle.dumps((sys.path, os.getcwd(), cloudpickle.dumps(call)))


def answer(call: bytes) -> bytes:
    """Do what ``pickled`` gave; what came of it, pickled."""
    path, folder, function = pickle.loads(call)
    sys.path += [entry for entry in path if entry not in sys.path]
    if os.path.isdir(folder):
        os.chdir(folder)
    try:
        return bytes(cloudpickle.dumps((pickle.loads(function)(), None, "")))
    except Exception as error:
        return _pickled_error(error)


def settle(future: Future[Any], answered: bytes) -> None:
    """Give ``future`` the result or the error that ``answer`` gave."""
    try:
        result, error, said = pickle.loads(answered)
    except Exception as unread:  # of a module that is only there
        future.set_exception(unread)
        return
    if error is None:
        future.set_result(result)
    else:
        error.__cause__ = RemoteTraceback(said)
        future.set_exception(error)


def _pickled_error(error: Exception) -> bytes:
    said = f"\n{''.join(traceback.format_exception(error))}"
    try:
        given = bytes(cloudpickle.dumps((None, error, said)))
        pickle.loads(given)
    except Exception:  # an error of a library's may be no pickle's
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        return bytes(cloudpickle.dumps((None, plain, said)))
    return given
