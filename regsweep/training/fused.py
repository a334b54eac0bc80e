"""The forward pass of many networks at once, along a leading runs axis."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.func import functional_call, vmap

from regsweep.training.activation import KINDS, activate
from regsweep.training.dropout import Rates, dropped
from regsweep.training.layer_norm import layer_norm
from regsweep.training.linear import linear
from regsweep.training.noise import Noise


def fused_forward(
    network: nn.Sequential,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    noise: Noise | None = None,
    rates: Rates | None = None,
) -> Tensor:
    """Outputs (runs, outputs, batch) of inputs ``x``, (runs, batch, *shape).

    ``x`` may also be (1, batch, *shape): one batch that all runs share. ``parameters`` holds
    every parameter of ``network`` as (runs, *shape). From ``nn.Flatten`` on, features stand
    before the batch: (runs, features, batch), which is the order that linear layers give.
    Linear layers, layer norms and activations are one operation for all runs each; other layers
    with parameters go through ``torch.func.vmap``; layers without see runs and batch as one axis.
    With ``rates``, what each layer of weights but the first takes in is dropped by ``noise``.
    """
    depth = 0
    for name, layer in network.named_children():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            if depth and rates is not None and noise is not None:
                x = dropped(x, rates, noise, depth)
            depth += 1
        if isinstance(layer, nn.Flatten):
            x = x.flatten(2).mT
        elif isinstance(layer, nn.Linear):
            x = linear(parameters[f"{name}.weight"], parameters[f"{name}.bias"], x)
        elif isinstance(layer, nn.LayerNorm):
            x = layer_norm(parameters[f"{name}.weight"], parameters[f"{name}.bias"], x, layer.eps)
        elif isinstance(layer, nn.ReLU):
            x = layer(x)
        elif type(layer) in KINDS:
            x = activate(layer, x)
        elif mine := {key: parameters[f"{name}.{key}"] for key, _ in layer.named_parameters()}:
            x = _each_run(layer, mine, x)
        else:
            x = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return x


def _each_run(layer: nn.Module, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """``layer`` with each run's own ``parameters``; alone, a run needs no vmap."""
    runs = next(iter(parameters.values())).shape[0]
    output: Tensor
    if runs == 1:
        alone = {key: value[0] for key, value in parameters.items()}
        output = functional_call(layer, alone, (x[0],)).unsqueeze(0)
    else:
        x = x.expand(runs, *x.shape[1:])
        output = vmap(lambda p, h: functional_call(layer, p, (h,)))(parameters, x)
    return output
