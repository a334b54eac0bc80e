"""The step of a pack as one compiled graph."""

import logging
import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

from regsweep.training.step import train_step

# Models, batch sizes and widths that one process may compile a step for.
VARIANTS = 10_000

# The CUDA builds of PyTorch say on every machine without a GPU that there is none.
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


def can_compile(device: torch.device) -> bool:
    """Whether ``torch.compile`` has what it needs: on a CPU a C++ compiler and Python's headers.

    The compiler is that of ``CXX``, else the one that PyTorch takes on the system. PyTorch's own
    search would load all of ``torch.compile``, for which a sweep's main process has no use.
    """
    if device.type != "cpu":
        from torch.utils._triton import has_triton

        return bool(has_triton())
    usual = {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")
    command = shlex.split(os.environ.get("CXX") or usual, posix=os.name == "posix")
    found = shutil.which(command[0])
    return found is not None and Path(sysconfig.get_path("include"), "Python.h").is_file()


@cache
def compiled_step(device_type: str) -> Callable[..., torch.Tensor]:
    """``train_step`` compiled: forward, backward, penalties and optimizer in one graph.

    Compiled anew for every model, batch size and pack width, and for nothing else. On CUDA the
    graph is captured and replayed.
    """
    from torch._dynamo import config

    config.trace_autograd_ops = True  # torch.autograd.grad within the graph
    config.recompile_limit = VARIANTS
    options: Any = {"triton.cudagraphs": True} if device_type == "cuda" else None
    return torch.compile(train_step, fullgraph=True, dynamic=False, options=options)


def stay_in_place(tensors: Iterable[torch.Tensor]) -> None:
    """Say of what a step moves in place that it stays where it is, so that CUDA can replay it."""
    for tensor in tensors:
        torch._dynamo.mark_static_address(tensor, guard=False)


@contextmanager
def same_as_before() -> Iterator[None]:
    """Steps of the same pack in a row: what the graph depends on is not checked at each."""
    stance: Any = torch.compiler.set_stance(skip_guard_eval_unsafe=True)
    with stance:
        yield
