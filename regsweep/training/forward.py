"""The outputs of the networks of a pack, in each way in which they are computed."""

from torch import Tensor

from regsweep.training.fused import fused_forward
from regsweep.training.network import Network
from regsweep.training.own_forward import forward_alone, forward_of_all
from regsweep.training.state import State


def forward(network: Network, state: State, x: Tensor) -> Tensor:
    """Outputs (runs, outputs, batch) of inputs ``x``, (runs, batch, *shape) or (1, batch, *shape).

    Buffers are moved in place where the module is in training mode.
    """
    if network.way == "layers":
        return fused_forward(network.module, state.parameters, x)
    assert state.noise is not None
    own = forward_alone if network.way == "alone" else forward_of_all
    output = own(network.module, {**state.parameters, **state.buffers}, state.noise, x)
    return output.mT.contiguous()
