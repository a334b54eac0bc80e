"""The processor of a machine: on another kind of one, the last digits of a result may differ."""

import platform
from functools import cache
from pathlib import Path


@cache
def processor() -> str:
    """The name of the processor's model, as the kernel has it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
