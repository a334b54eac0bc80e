"""A model spec as the plain ``nn.Sequential`` that it stands for.

Its ``state_dict`` keys are those of ``weights.safetensors``. The fused forward pass walks over
the same layers, so there is one definition of every model.
"""

from torch import nn

from regsweep.spec.model import CNN, MLP, Logistic, Model

IMAGE_SIDE = 28


def build_network(model: Model, classes: int = 10) -> nn.Sequential:
    """The network of ``model``: images (batch, 28, 28) in, logits (batch, classes) out."""
    if isinstance(model, MLP):
        return _perceptron(model.hidden, classes)
    if isinstance(model, Logistic):
        return _perceptron((), classes)
    return _convolutions(model, classes)


def _perceptron(hidden: tuple[int, ...], classes: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    width = IMAGE_SIDE * IMAGE_SIDE
    for wider in hidden:
        layers += [nn.Linear(width, wider), nn.ReLU()]
        width = wider
    return nn.Sequential(*layers, nn.Linear(width, classes))


def _convolutions(model: CNN, classes: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Unflatten(1, (1, IMAGE_SIDE))]
    depth, side = 1, IMAGE_SIDE
    for deeper in model.channels:
        layers += [nn.Conv2d(depth, deeper, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        depth, side = deeper, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(depth * side * side, classes))
