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


def lacking(device: torch.device) -> str | None:
    """What ``torch.compile`` needs and has not: on a CPU a C++ compiler and Python's headers.

    The compiler is that of ``CXX``, else the one that PyTorch takes on the system. PyTorch's own
    search would load all of ``torch.compile``, for which a sweep's main process has no use.
    """
    needed = "torch.compile needs a C++ compiler and Python's headers"
    if device.type != "cpu":
        from torch.utils._triton import has_triton

        return None if has_triton() else "torch.compile needs Triton"
    usual = {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")
    named = os.environ.get("CXX")
    try:
        command = shlex.split(usual if named is None else named, posix=os.name == "posix")
    except ValueError:  # an open quotation
        command = []
    if not command or shutil.which(command[0]) is None:
        return needed if named is None else f"{needed}, and CXX={named!r} names no program"
    return None if Path(sysconfig.get_path("include"), "Python.h").is_file() else needed


def compiles() -> bool:
    """Whether ``torch.compile`` is on: a variable or a stance can have it return what it is given.

    What is compiled to find out is one addition, which no compiler sees.
    """
    seen = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        seen.append(graph)
        return graph.forward

    torch.compile(lambda x: x + 1, backend=backend)(torch.zeros(1))
    return bool(seen)


@cache
def compiled_step(device_type: str) -> Callable[..., torch.Tensor]:
    """``train_step`` compiled: forward, backward, penalties and optimizer in one graph.

    Compiled anew for every model, batch size and pack width, and for nothing else. On CUDA the
    graph is captured and replayed.
    """
    from torch._dynamo import config

    config.trace_autograd_ops = True  # torch.autograd.grad within the graph
    config.recompile_limit = config.accumulated_recompile_limit = VARIANTS
    config.suppress_errors = False  # what does not compile would be run eagerly without a word
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
