import pytest
from hydra.errors import CompactHydraException

from regsweep.compare.sweeper import CompareSweeper


def test_another_application_is_told_what_compare_is_for():
    with pytest.raises(CompactHydraException, match="compares the runs of regsweep alone"):
        CompareSweeper().setup(hydra_context=None, task_function=print, config=None)
