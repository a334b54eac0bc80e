import subprocess
import sys

CODE = """
import gc
from regsweep.jobs.collector import spare_what_is_loaded

assert gc.get_freeze_count() == 0
spare_what_is_loaded()
frozen, seldom = gc.get_freeze_count(), gc.get_threshold()[0] > 700
later = [[] for _ in range(1000)]
spare_what_is_loaded()
print(frozen > 1000, seldom, gc.get_freeze_count() == frozen)
"""


def test_what_is_loaded_is_spared_once():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True", "True"]
