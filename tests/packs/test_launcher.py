import pytest
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite
from omegaconf import OmegaConf

from regsweep.cli.nodes import register_nodes
from regsweep.errors import InputError
from regsweep.packs.launcher import read_packing

register_nodes()


@pytest.mark.parametrize(("launcher_name", "overrides"), [("pack", [])])
class TestHydrasOwnSuite(LauncherTestSuite):
    """Hydra's tests of a launcher; their task functions are not regsweep's."""


@pytest.mark.parametrize(
    ("task_launcher_cfg", "extra_flags"),
    [({}, ["-m", "hydra/launcher=pack", "hydra.sweeper.max_batch_size=2"])],
)
class TestHydrasIntegrationSuite(IntegrationTestSuite):
    """Hydra's tests of whole applications under a launcher."""


@pytest.mark.parametrize("key", ["pack_size", "workers"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "many", None])
def test_a_wrong_setting_is_named(key, value):
    node = {
        "_target_": "regsweep.packs.launcher.PackLauncher",
        "pack_size": "auto",
        "workers": "auto",
    }

    with pytest.raises(InputError, match=rf"hydra.launcher.{key}={value}: expected auto, or a"):
        read_packing(OmegaConf.create({**node, key: value}))


def test_other_launchers_pack_nothing():
    assert read_packing(OmegaConf.create({"_target_": "some.Launcher", "workers": 0})) is None
