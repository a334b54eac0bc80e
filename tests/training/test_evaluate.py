import pytest
import torch
from torch import nn

from regsweep.data.dataset import Examples, scale
from regsweep.settings.model import MLP
from regsweep.training.evaluate import evaluate
from regsweep.training.initial import initial_parameters
from regsweep.training.network import Network, build_network
from regsweep.training.state import State


def test_means_are_over_all_examples_also_in_a_short_last_chunk(digits):
    # 700 examples: a full chunk and a short one.
    repeated = Examples(
        digits.train.inputs.repeat(3, 1, 1)[:700], digits.train.targets.repeat(3)[:700]
    )
    network = build_network(MLP((16,)), (28, 28), 10)
    stacked = initial_parameters(network, [0, 1])

    rows = torch.empty(2, 700)
    state = State(stacked, {})
    losses, accuracies = evaluate(Network(network, "layers"), state, repeated, rows=rows)

    for i in range(2):
        network.load_state_dict({name: value[i] for name, value in stacked.items()})
        with torch.no_grad():
            logits = network(scale(repeated.inputs))
        assert losses[i].item() == pytest.approx(
            nn.CrossEntropyLoss()(logits, repeated.targets).item(), rel=1e-6
        )
        each = nn.CrossEntropyLoss(reduction="none")(logits, repeated.targets)
        assert rows[i].numpy() == pytest.approx(each.numpy(), rel=1e-4, abs=1e-6)
        assert losses[i].item() == pytest.approx(rows[i].double().mean().item(), rel=1e-12)
        right = (logits.argmax(1) == repeated.targets).sum().item()
        assert accuracies[i].item() == right / 700
