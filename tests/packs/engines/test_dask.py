"""Dask clusters that a config has started."""

import json

import pytest
from hydra.utils import execution_whitelist

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.dask import Dask
from regsweep.sweep.cluster import DaskCluster

pytest.importorskip("distributed", reason="needs Dask")
LOCAL = {
    "_target_": "distributed.LocalCluster",
    "processes": False,
    "n_workers": 0,
    "threads_per_worker": 2,
    "dashboard_address": "127.0.0.1:0",
}


@pytest.fixture(autouse=True)
def trusted():
    with execution_whitelist(["distributed.*", "collections.Counter"]):
        yield


def cluster(**changed):
    return Dask(DaskCluster(None, json.dumps(LOCAL | changed)))


def test_a_class_is_asked_for_workers_and_closed_at_the_end():
    engine = cluster()
    assert engine.reach(2) == 4
    own = engine.own
    assert len(own.plan) == 2

    engine.dismiss()

    assert own.status.name == "closed"


def test_a_class_that_has_no_worker_yet_is_to_be_asked_for_some():
    engine = cluster()
    said = r"^hydra\.launcher\.cluster\._target_=distributed\.LocalCluster: it has no worker until"

    with pytest.raises(InputError, match=said):
        engine.reach(None)
    assert engine.own is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"_target_": "distributed.Missing"}, "ImportError: "),
        ({"_target_": "os.getcwd"}, "InstantiationException: Target 'os.getcwd' is not in the"),
        ({"_target_": "collections.Counter"}, "TypeError: it is a Counter"),
    ],
)
def test_a_class_that_starts_no_cluster_is_one_message(changed, why):
    said = rf"^hydra\.launcher\.cluster\._target_=.*: it does not start a Dask cluster \(({why})"

    with pytest.raises(ClusterFault, match=said):
        cluster(**changed).reach(1)
