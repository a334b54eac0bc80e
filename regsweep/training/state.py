"""What the networks of a pack consist of: parameters and buffers, with the runs in front."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from regsweep.training.generators import seeded
from regsweep.training.initial import initial_parameters
from regsweep.training.network import Network
from regsweep.training.noise import Noise, new_noise


@dataclass(frozen=True)
class State:
    """``parameters`` that are trained, ``buffers`` and all else that a module keeps, and ``noise``.

    Tensors are (runs, *shape); one that a module has under several names is here under the first.
    ``noise`` is what each run's network draws from; layers known by heart draw for dropout alone.
    """

    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    noise: Noise | None = None

    def tensors(self) -> list[Tensor]:
        """All that a step moves in place."""
        steps = [] if self.noise is None else [self.noise.step]
        return [*self.parameters.values(), *self.buffers.values(), *steps]


def initial_state(
    network: Network,
    build: Callable[[], nn.Module],
    seeds: Sequence[int],
    device: torch.device,
    noise: Noise | None = None,
) -> State:
    """The start of a pack: run ``i`` as ``torch.manual_seed(seeds[i])`` and ``build()`` have it.

    A module is built on the CPU, and the global generators are neither read nor moved. ``noise`` is
    what layers known by heart draw from; any other module draws from that of its seed.
    """
    if network.way == "layers":
        return State(_trained(initial_parameters(network.module, seeds), device), {}, noise)
    built = {}
    for seed in dict.fromkeys(seeds):
        with seeded(seed):
            built[seed] = build()
    parts = [_parts(built[seed]) for seed in seeds]
    parameters, buffers = (
        {name: torch.stack([own[part][name] for own in parts]) for name in parts[0][part]}
        for part in (0, 1)
    )
    return State(
        _trained(parameters, device),
        {name: buffer.to(device) for name, buffer in buffers.items()},
        new_noise(seeds, device),
    )


def _trained(parameters: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: value.to(device).requires_grad_() for name, value in parameters.items()}


def _parts(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What is trained, and what is not: buffers, and parameters that are frozen."""
    trained: dict[str, Tensor] = {}
    kept: dict[str, Tensor] = {}
    for name, parameter in module.named_parameters():
        (trained if parameter.requires_grad else kept)[name] = parameter.detach()
    return trained, {**kept, **dict(module.named_buffers())}


def state_dict(network: Network, state: State, run: int) -> dict[str, Tensor]:
    """The ``state_dict`` of one run, on the CPU, under every name that the module has."""
    module = network.module if network.way == "layers" else network.module.module
    held = {**state.parameters, **state.buffers}
    first: dict[int, str] = {}
    own = {}
    named = [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]
    for name, tensor in named:
        own[name] = held[first.setdefault(id(tensor), name)]
    return {
        name: own[name].detach()[run].cpu().clone() for name in module.state_dict() if name in own
    }
