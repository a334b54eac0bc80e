import platform
from dataclasses import replace

import clusters
import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines.dask import Dask
from regsweep.packs.engines.peers import peer, refuse_others
from regsweep.sweep.cluster import DaskCluster


def test_workers_of_the_same_versions_are_taken_in_silence(caplog):
    refuse_others({"one": peer(), "two": peer()}, peer().versions)

    assert caplog.text == ""


@pytest.mark.parametrize(("version", "found"), [("2.0", "2.0"), (None, "none")])
def test_another_version_on_a_worker_is_one_message(version, found):
    versions = {**peer().versions, "torch": version}
    if version is None:
        del versions["torch"]

    with pytest.raises(ClusterFault, match=rf"^worker far: has torch {found}, and here it is 2\."):
        refuse_others({"near": peer(), "far": replace(peer(), versions=versions)}, peer().versions)


def test_all_that_differs_on_a_worker_is_one_message():
    here = peer().versions
    there = replace(peer(), versions={**here, "torch": "1.0", "numpy": "1.0"})

    with pytest.raises(ClusterFault, match=r"^worker far: has .*1\.0, .*; has .*1\.0, .*; install"):
        refuse_others({"far": there}, here)


def test_a_package_that_is_not_installed_has_no_version():
    assert peer(["not-installed"]).versions["not-installed"] == "none"
    assert peer(["python"]).versions["python"] == platform.python_version()


def test_another_processor_is_said(caplog):
    refuse_others({"near": peer(), "far": replace(peer(), processor="Another 3 GHz")}, {})

    assert "processors differ, and so may last digits: " in caplog.text
    assert "Another 3 GHz" in caplog.text


def test_a_scheduler_without_workers_is_one_message(monkeypatch):
    monkeypatch.setattr("regsweep.packs.engines.dask.WAIT_SECONDS", 5)
    with clusters.dask_scheduler() as address:
        said = f"^hydra.launcher.address={address}: this Dask scheduler has no worker; start one"
        with pytest.raises(ClusterFault, match=said):
            Dask(DaskCluster(address)).reach(None)
