"""The forward pass of any module, of a run alone or of all runs of a pack at once."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from regsweep.training.dropout import Rates, pack_rates
from regsweep.training.functions import Replaced
from regsweep.training.generators import seeded
from regsweep.training.noise import Noise, new_noise


class Called(nn.Module):
    """``module`` as ``torch.func.functional_call`` is to call it: what it keeps, it keeps in place.

    A buffer that its forward assigns anew would be forgotten; here it is copied. ``names`` has all
    places where ``module`` holds a tensor, and the first name of each tensor: one that is tied has
    several.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.names = _places(module)
        self.keeps = any(True for _ in module.buffers())

    def forward(self, x: Tensor) -> Tensor:
        """What ``module`` gives."""
        if not self.keeps:
            only: Tensor = self.module(x)
            return only
        before = dict(self.module.named_buffers())
        output: Tensor = self.module(x)
        for name, after in self.module.named_buffers():
            if name in before and after is not before[name]:
                before[name].copy_(after)
        return output


def _places(module: nn.Module) -> dict[str, str]:
    first: dict[int, str] = {}
    names = {}
    for prefix, part in module.named_modules():  # each once
        for own in (part.named_parameters, part.named_buffers):
            for key, tensor in own(prefix, recurse=False, remove_duplicate=False):
                names[key] = first.setdefault(id(tensor), key)
    return names


def forward_of_all(
    called: Called,
    tensors: Mapping[str, Tensor],
    noise: Noise,
    x: Tensor,
    rates: Rates | None = None,
) -> Tensor:
    """Outputs (runs, batch, outputs) of inputs ``x``, (runs, batch, *shape) or (1, batch, *shape).

    ``tensors`` are parameters and buffers, (runs, *shape); in training mode buffers are moved in
    place. With ``rates`` each run has its own p in all dropout.
    """

    def of_one(
        tensors: Mapping[str, Tensor], keys: Tensor, rates: tuple[Tensor, ...], x: Tensor
    ) -> Tensor:
        with Replaced((keys, noise.step), vmapped=True, rates=Rates(*rates) if rates else None):
            return _call(called, tensors, x)

    shared = len(x) == 1
    over = (0, 0, 0, None if shared else 0)
    each = () if rates is None else (rates.threshold, rates.scale)
    return vmap(of_one, in_dims=over)(tensors, noise.keys, each, x[0] if shared else x)


def forward_alone(
    called: Called,
    tensors: Mapping[str, Tensor],
    noise: Noise,
    x: Tensor,
    rates: Rates | None = None,
) -> Tensor:
    """As ``forward_of_all``, for one run, by PyTorch's own functions."""
    own = {name: tensor[0] for name, tensor in tensors.items()}
    mine = None if rates is None else Rates(rates.threshold[0], rates.scale[0])
    with Replaced((noise.keys[0], noise.step), vmapped=False, rates=mine):
        return _call(called, own, x[0]).unsqueeze(0)


def draws_dropout(module: nn.Module, x: Tensor) -> bool:
    """Whether ``module`` leaves anything out of a batch ``x`` by dropout, whatever its p."""
    device = torch.device("cpu")
    noise, rates = new_noise([0], device), pack_rates([0.5], device)
    replaced = Replaced((noise.keys[0], noise.step), vmapped=False, rates=rates)
    with replaced, seeded(0), torch.no_grad():
        module(x)
    return replaced.draws > 0


def _call(called: Called, tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
    named = {f"module.{name}": tensors[first] for name, first in called.names.items()}
    output: Tensor = functional_call(called, named, (x,), tie_weights=False)
    return output
