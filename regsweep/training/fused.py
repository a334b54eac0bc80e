"""The forward pass of many networks at once, along a leading runs axis."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import cross_entropy

# The layers of all runs over a shared batch are one wide product where that changes no bits.
# With fewer outputs or examples, a product is summed in another order alone than as a part of a
# wider one (seen below 12 outputs and below 4 examples).
WIDE_OUTPUTS, WIDE_BATCH = 16, 8


def fused_forward(network: nn.Sequential, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits (runs, classes, batch) of images ``x``, (runs, batch, 28, 28).

    ``x`` may also be (1, batch, 28, 28): one batch that all runs share. ``parameters`` holds
    every parameter of ``network`` as (runs, *shape). From ``nn.Flatten`` on, features stand
    before the batch: (runs, features, batch), which is the order that linear layers give.
    Linear layers are one batched product; other layers with parameters go through
    ``torch.func.vmap``; layers without see runs and batch as one axis.
    """
    for name, layer in network.named_children():
        if isinstance(layer, nn.Flatten):
            x = x.flatten(2).mT
        elif isinstance(layer, nn.Linear):
            x = _linear(parameters[f"{name}.weight"], parameters[f"{name}.bias"], x)
        elif isinstance(layer, nn.ReLU):
            x = layer(x)
        elif mine := {key: parameters[f"{name}.{key}"] for key, _ in layer.named_parameters()}:
            x = _each_run(layer, mine, x)
        else:
            x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


def _linear(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """``weight @ x + bias`` of every run: (runs, in, batch) to (runs, out, batch).

    However it is computed, the gradient of the weight comes out in the weight's own memory
    order, so that the optimizer reads both alike (4 times faster).
    """
    if x.mT.is_contiguous():  # an example is a row of memory: images, and a batch of one
        product = _product_of_rows(weight, x.mT)
    else:
        product = torch.bmm(weight, x)
    # Added outside of the product, so that its gradient is one sum, the same at every width.
    return product + bias.unsqueeze(2)


def _product_of_rows(weight: Tensor, rows: Tensor) -> Tensor:
    """``weight @ rows^T`` as ``(rows @ weight^T)^T``: twice as fast where the batch is narrow."""
    runs, out, _ = weight.shape
    shared, batch, _ = rows.shape
    if shared == 1 and out >= WIDE_OUTPUTS and batch >= WIDE_BATCH:
        wide = torch.mm(rows[0], weight.flatten(0, 1).mT)
        # Laid out as the other products are, so that what follows sums in the same order.
        return wide.mT.contiguous().view(runs, out, batch)
    pairs = zip(rows.expand(runs, -1, -1).unbind(), weight.unbind(), strict=True)
    return torch.stack([torch.mm(own, one.mT).mT for own, one in pairs])


def _each_run(layer: nn.Module, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """``layer`` with each run's own ``parameters``; alone, a run needs no vmap."""
    runs = next(iter(parameters.values())).shape[0]
    if runs == 1:
        alone = {key: value[0] for key, value in parameters.items()}
        return functional_call(layer, alone, (x[0],)).unsqueeze(0)
    x = x.expand(runs, *x.shape[1:])
    return vmap(lambda p, h: functional_call(layer, p, (h,)))(parameters, x)


def example_losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every example, (runs, batch), from logits (runs, classes, batch)."""
    return cross_entropy(logits, labels, reduction="none")


def hits(logits: Tensor, labels: Tensor) -> Tensor:
    """How many examples each run gets right, (runs,), int64."""
    return (logits.argmax(1) == labels).sum(1)
