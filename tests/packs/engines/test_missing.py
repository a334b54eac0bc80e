"""Engines without what they need: one message, before anything is started."""

import os
import sys

import clusters
import pytest

from regsweep.errors import ClusterFault, InputError
from regsweep.packs.engines.dask import Dask
from regsweep.packs.engines.ray import Ray
from regsweep.sweep.cluster import DaskCluster, RayCluster


@pytest.mark.parametrize(
    ("engine", "module", "said"),
    [
        (Dask(DaskCluster(None)), "distributed", "pack_dask: needs Dask: pip install 'reg.*dask"),
        (Ray(RayCluster(None)), "ray", "pack_ray: needs Ray: pip install 'regsweep.ray"),
    ],
)
def test_an_extra_that_is_not_installed_is_one_message(monkeypatch, engine, module, said):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(os, "environ", {**os.environ})

    with pytest.raises(InputError, match=rf"^hydra/launcher={said}"):
        engine.reach(None)


def test_no_ray_is_one_message():
    pytest.importorskip("ray", reason="needs Ray")
    address = f"127.0.0.1:{clusters.free_port()}"

    with pytest.raises(
        ClusterFault, match=rf"^hydra.launcher.address={address}: no Ray cluster ans"
    ):
        Ray(RayCluster(address)).reach(None)
