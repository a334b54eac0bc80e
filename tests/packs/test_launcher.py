import pytest
from hydra.test_utils.launcher_common_tests import IntegrationTestSuite, LauncherTestSuite

from regsweep.cli.nodes import register_nodes

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
