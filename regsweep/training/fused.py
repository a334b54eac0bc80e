"""The forward pass of many networks at once, along a leading runs axis."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy


def fused_forward(network: nn.Sequential, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits (runs, batch, classes) of images ``x`` (runs, batch, 28, 28).

    ``parameters`` holds every parameter of ``network`` as (runs, *shape). Linear layers are one
    batched product, 2 to 3 times faster than ``vmap`` when run eagerly; other layers with
    parameters go through ``torch.func.vmap``; layers without see runs and batch as one axis.

    The product is ``weight @ x^T``, not ``x @ weight^T``: the gradient of the weight then comes
    out in the weight's own memory order, and the optimizer reads both alike (4 times faster).
    """
    for name, layer in network.named_children():
        mine = {
            key.removeprefix(f"{name}."): value
            for key, value in parameters.items()
            if key.startswith(f"{name}.")
        }
        if isinstance(layer, nn.Linear):
            x = torch.baddbmm(mine["bias"].unsqueeze(2), mine["weight"], x.mT).mT
        elif isinstance(layer, nn.ReLU):
            x = layer(x)
        elif mine:
            x = vmap(lambda p, h, layer=layer: functional_call(layer, p, (h,)))(mine, x)
        else:
            x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every example, (runs, batch), from logits (runs, batch, classes)."""
    flat = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """How many examples each run gets right, (runs,), int64."""
    return (logits.argmax(-1) == labels).sum(1)
