"""Python's garbage collector, spared the objects that stay."""

import gc
import sys
from functools import cache

# The configs of a job are thousands of objects that refer to each other in circles; at Python's
# threshold of 700 the collector takes a fifth of a job's time.
COLLECTED = 50_000


@cache
def spare_what_is_loaded() -> None:
    """Look at no object that is there by now; call it once PyTorch is loaded.

    Its modules live until the process ends, which takes 0.8 s where they are collected then.
    Triton takes what is not collected for a leak, and says so: where it is loaded, all are looked
    at as ever.
    """
    gc.set_threshold(COLLECTED)
    if "triton" not in sys.modules:
        gc.freeze()
