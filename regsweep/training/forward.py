"""The outputs of the networks of a pack, in each way in which they are computed."""

from torch import Tensor

from regsweep.training.dropout import Rates
from regsweep.training.fused import fused_forward
from regsweep.training.network import Network
from regsweep.training.own_forward import forward_alone, forward_of_all
from regsweep.training.state import State


def forward(network: Network, state: State, x: Tensor, rates: Rates | None = None) -> Tensor:
    """Outputs (runs, outputs, batch) of inputs ``x``, (runs, batch, *shape) or (1, batch, *shape).

    Buffers are moved in place where the module is in training mode. ``rates`` are those of dropout,
    in training: of layers, behind the activations; of any other module, of its own dropout.
    """
    if network.way == "layers":
        return fused_forward(network.module, state.parameters, x, state.noise, rates)
    assert state.noise is not None
    own = forward_alone if network.way == "alone" else forward_of_all
    output = own(network.module, {**state.parameters, **state.buffers}, state.noise, x, rates)
    return output.mT.contiguous()
