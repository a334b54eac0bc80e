from concurrent.futures import Future
from pickle import UnpicklingError
from threading import Lock

import pytest

from regsweep.packs.engines.call import answer, pickled, settle


class CannotBePickled(Exception):
    def __init__(self):
        super().__init__("neither nor")
        self.lock = Lock()


def fails():
    raise CannotBePickled


def test_an_error_that_cannot_be_pickled_is_told():
    future = Future()
    settle(future, answer(pickled(fails)))

    with pytest.raises(RuntimeError, match=r"^CannotBePickled: neither nor$") as told:
        future.result(timeout=0)
    assert "in fails" in str(told.value.__cause__)


def test_an_answer_that_cannot_be_read_is_an_error():
    future = Future()
    settle(future, b"torn")

    with pytest.raises(UnpicklingError):
        future.result(timeout=0)
