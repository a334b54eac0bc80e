"""The global generators of torch, numpy and Python, seeded for a while and then put back."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What draws from a global generator draws as after ``torch.manual_seed(seed)`` and the like.

    numpy takes 32 bits of the seed.
    """
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


def global_states(device: torch.device) -> list[Any]:
    """The states of the global generators, those that a network on ``device`` draws from."""
    of_numpy = np.random.get_state(legacy=True)
    assert isinstance(of_numpy, tuple)
    kind, keys, *rest = of_numpy
    states = [random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state(device)] if device.type == "cuda" else states


def set_global_states(states: list[Any], device: torch.device) -> None:
    """Have them draw as when ``global_states`` gave ``states``."""
    of_python, of_numpy, of_torch, *of_cuda = states
    random.setstate(of_python)
    np.random.set_state(of_numpy)
    torch.set_rng_state(of_torch)
    for state in of_cuda:
        torch.cuda.set_rng_state(state, device)
