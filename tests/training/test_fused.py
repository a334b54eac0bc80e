import pytest
import torch

from regsweep.settings.model import CNN, MLP, Linear
from regsweep.training.fused import fused_forward
from regsweep.training.initial import initial_parameters
from regsweep.training.network import build_network

MODELS = [MLP((64, 32)), MLP((17, 5), "gelu", "layer"), MLP((9,), "tanh"), Linear(), CNN((4, 6))]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_each_run_equals_its_own_network(model):
    network = build_network(model, (28, 28), 10)
    parameters = initial_parameters(network, [0, 1, 2])
    images = torch.rand(3, 6, 28, 28, generator=torch.Generator().manual_seed(0))

    logits = fused_forward(network, parameters, images)

    for i in range(3):
        network.load_state_dict({name: value[i] for name, value in parameters.items()})
        torch.testing.assert_close(logits[i].mT, network(images[i]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_a_shared_batch_is_each_runs_own(model):
    network = build_network(model, (28, 28), 10)
    parameters = initial_parameters(network, [0, 1, 2])
    images = torch.rand(1, 6, 28, 28, generator=torch.Generator().manual_seed(0))

    shared = fused_forward(network, parameters, images)

    own = fused_forward(network, parameters, images.expand(3, 6, 28, 28))
    torch.testing.assert_close(shared, own, rtol=1e-5, atol=1e-6)
