"""The forward pass of many networks at once, along a leading runs axis."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

# A layer of fewer outputs is summed in another order as part of a wide product than alone (seen
# below 4 outputs).
NARROW = 8


def fused_forward(network: nn.Sequential, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits (runs, batch, classes) of images ``x``, (runs, batch, 28, 28).

    ``x`` may also be (1, batch, 28, 28): one batch that all runs share. ``parameters`` holds
    every parameter of ``network`` as (runs, *shape). Linear layers are one batched product;
    other layers with parameters go through ``torch.func.vmap``; layers without see runs and
    batch as one axis.
    """
    for name, layer in network.named_children():
        if isinstance(layer, nn.Linear):
            x = _linear(parameters[f"{name}.weight"], parameters[f"{name}.bias"], x)
        elif isinstance(layer, nn.ReLU):
            x = layer(x)
        elif mine := {key: parameters[f"{name}.{key}"] for key, _ in layer.named_parameters()}:
            runs = next(iter(mine.values())).shape[0]
            x = x.expand(runs, *x.shape[1:])
            x = vmap(lambda p, h, layer=layer: functional_call(layer, p, (h,)))(mine, x)
        else:
            x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


def _linear(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """``x @ weight^T + bias`` of every run: (runs, batch, in) to (runs, batch, out).

    Computed as ``weight @ x^T``: the gradient of the weight then comes out in the weight's own
    memory order, and the optimizer reads both alike (4 times faster). A shared ``x`` makes the
    layers of all runs one wide product.
    """
    runs, out, _ = weight.shape
    if x.shape[1] == 1:
        # A product with one vector is summed in another order in a pack than alone; one with
        # two is not.
        return _linear(weight, bias, x.expand(-1, 2, -1))[:, :1]
    if x.shape[0] == runs:
        product = torch.bmm(weight, x.mT)
    elif out < NARROW:
        product = torch.bmm(weight, x.expand(runs, -1, -1).mT)
    else:
        product = torch.mm(weight.flatten(0, 1), x[0].mT).view(runs, out, -1)
    # Added outside of the product, so that its gradient is one sum, the same at every width.
    return (product + bias.unsqueeze(2)).mT


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every example, (runs, batch), from logits (runs, batch, classes)."""
    flat = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """How many examples each run gets right, (runs,), int64."""
    return (logits.argmax(-1) == labels).sum(1)
