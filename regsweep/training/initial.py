"""PyTorch's default initialisation, drawn from each run's own generator."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def initial_parameters(network: nn.Sequential, seeds: Sequence[int]) -> dict[str, Tensor]:
    """The start of a pack of ``network``: each parameter as (runs, *shape), float32 on the CPU.

    Run ``i`` starts exactly as ``torch.manual_seed(seeds[i])`` followed by building the network
    would, on every device, and the global generator is neither read nor moved.
    """
    runs = [_default_start(network, seed) for seed in seeds]
    return {name: torch.stack([run[name] for run in runs]) for name in runs[0]}


def _default_start(network: nn.Sequential, seed: int) -> dict[str, Tensor]:
    """``reset_parameters`` of the layers, with a generator.

    Weight and bias of ``nn.Linear`` and ``nn.Conv2d`` are uniform in +-1 / sqrt(fan_in): Kaiming's
    uniform rule with a = sqrt(5), as PyTorch writes it. ``nn.LayerNorm`` scales by 1 and shifts
    by 0.
    """
    generator = torch.Generator().manual_seed(seed)
    start = {}
    for name, layer in network.named_children():
        if not list(layer.parameters()):
            continue
        if isinstance(layer, nn.LayerNorm):
            start[f"{name}.weight"] = torch.ones(layer.weight.shape)
            start[f"{name}.bias"] = torch.zeros(layer.bias.shape)
            continue
        if not isinstance(layer, (nn.Linear, nn.Conv2d)) or layer.bias is None:
            raise TypeError(f"no initialisation rule for {layer}")
        weight = torch.empty(layer.weight.shape)
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        bound = 1 / math.sqrt(weight[0].numel())
        bias = torch.empty(layer.bias.shape)
        nn.init.uniform_(bias, -bound, bound, generator=generator)
        start[f"{name}.weight"], start[f"{name}.bias"] = weight, bias
    return start
