import errno
import shutil

import pytest

from regsweep.errors import InputError, MachineFault, bad_value, machine_fault, nearest


def test_a_bad_value_names_key_value_and_what_is_right():
    assert str(bad_value("optimizer.lr", -1, "a number above 0")) == (
        "optimizer.lr=-1: expected a number above 0"
    )


def test_nearest_offers_the_likely_name_and_all_known():
    assert nearest("wieght", ["weight", "scope"]) == "did you mean weight? known: scope, weight"
    assert nearest("zzz", ["weight", "scope"]) == "known: scope, weight"
    assert nearest("zzz", []) == "there are none"


def test_an_error_of_the_system_is_a_fault_of_the_machine(tmp_path):
    with pytest.raises(OSError, match="No such file") as caught:
        (tmp_path / "no" / "file").write_text("")
    wrapped = RuntimeError("could not write")
    wrapped.__cause__ = caught.value

    free = shutil.disk_usage(tmp_path).free
    for error in (caught.value, wrapped):
        told, _, left = str(machine_fault(error)).partition(" (")
        assert told == f"{tmp_path}/no/file: No such file or directory"
        assert abs(int(left.removesuffix(" bytes free)").replace(",", "")) - free) < 10**9


def test_a_fault_is_found_behind_other_errors():
    fault = MachineFault("the disk is full")
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("not trained") from fault

    assert machine_fault(caught.value) is fault


@pytest.mark.parametrize(
    "error",
    [
        ValueError("3"),
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError("of a library, without a number"),
        InputError("optimizer.lr=0: expected a finite number above 0"),
    ],
    ids=repr,
)
def test_what_a_run_asks_for_is_no_fault_of_the_machine(error):
    assert machine_fault(error) is None
