import json

import pytest

from regsweep.errors import InputError
from regsweep.packs.launcher import DaskLauncherConf, RayLauncherConf, SlurmLauncherConf
from regsweep.sweep.cluster import DaskCluster, RayCluster, SlurmCluster, cluster_of


def slurm(**changed):
    return vars(SlurmLauncherConf()) | {"folder": "swept"} | changed


def test_the_keys_of_a_launcher_are_those_of_its_cluster():
    assert cluster_of(vars(DaskLauncherConf(address="tcp://there:1"))) == DaskCluster(
        "tcp://there:1"
    )
    asked = cluster_of(slurm(partition="long", minutes=5))
    assert asked == SlurmCluster("swept", 5, "4G", "long", None, None, None)


def test_packs_for_a_gpu_ask_for_one():
    assert not cluster_of(slurm(device="cpu")).gpu
    assert cluster_of(slurm(device="cuda")).gpu
    assert cluster_of(vars(RayLauncherConf(device="cuda:0"))) == RayCluster(None, gpu=True)


def test_a_class_that_starts_a_cluster_is_kept_with_its_arguments():
    node = {"_target_": "dask_jobqueue.PBSCluster", "cores": 8}

    assert json.loads(cluster_of(vars(DaskLauncherConf(cluster=node))).cluster) == node


def test_a_class_that_starts_a_cluster_has_an_address_of_its_own():
    node = {"_target_": "dask_jobqueue.PBSCluster"}

    with pytest.raises(InputError, match=r"^hydra\.launcher\.cluster\._target_=dask_jobqueue\.PBS"):
        cluster_of(vars(DaskLauncherConf(address="tcp://there:1", cluster=node)))


@pytest.mark.parametrize("node", ["dask_jobqueue.PBSCluster", {"cores": 8}, {"_target_": 8}])
def test_a_cluster_that_is_no_class_is_named(node):
    with pytest.raises(InputError, match=r"^hydra\.launcher\.cluster=.*: expected a class"):
        cluster_of(vars(DaskLauncherConf(cluster=node)))


def test_packs_stay_on_this_machine_by_default():
    assert cluster_of({"engine": "local"}) is cluster_of({}) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"minutes": 0}, "minutes=0: expected a whole number, 1 or above"),
        ({"minutes": True}, "minutes=True: expected a whole number, 1 or above"),
        ({"memory": "4 GB"}, "memory=4 GB: expected a size, such as 4G, or null"),
        ({"partition": " "}, "partition= : expected a text, or null"),
        ({"engine": "pbs"}, "engine=pbs: expected local, dask, ray or slurm"),
    ],
)
def test_a_wrong_setting_is_named(changed, said):
    with pytest.raises(InputError, match=rf"^hydra\.launcher\.{said}"):
        cluster_of(slurm(**changed))
