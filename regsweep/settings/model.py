"""The models on offer, as layers of ``torch.nn``; ``regsweep.training.network`` builds them.

To add a model: a class here, its line in ``MODELS``, and ``conf/model/<name>.yaml``.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Literal

from regsweep.errors import bad_value
from regsweep.settings.checks import widths
from regsweep.settings.own import OwnModel

Activation = Literal["relu", "gelu", "tanh", "silu"]
Norm = Literal["none", "batch", "layer"]

ACTIVATIONS: dict[Activation, str] = {
    "relu": "ReLU",
    "gelu": "GELU",
    "tanh": "Tanh",
    "silu": "SiLU",
}
NORMS: dict[Norm, str] = {"batch": "BatchNorm1d", "layer": "LayerNorm"}


@dataclass(frozen=True)
class Layer:
    """``torch.nn.<kind>(*arguments)``."""

    kind: str
    arguments: tuple[Any, ...] = ()


class BuiltIn(ABC):
    """A model that is a sequence of layers, each of which packs know by heart."""

    # Whether there are units between inputs and outputs, which can be left out.
    has_hidden_units: ClassVar[bool] = True
    # Convolutions of several runs at once are slower on a CPU than one by one.
    convolves: ClassVar[bool] = False

    @property
    def mixes_rows(self) -> bool:
        """Whether a row's outputs depend on the others of its batch, as batch norm makes them."""
        return False

    @abstractmethod
    def layers(self, shape: tuple[int, ...], outputs: int) -> list[Layer]:
        """What takes inputs (batch, *shape) to (batch, outputs).

        Raises:
            InputError: it takes no inputs of this shape.
        """


@dataclass(frozen=True)
class MLP(BuiltIn):
    """Linear layers with an activation between them; ``hidden`` has the widths of the inner ones.

    ``norm`` stands behind each inner linear layer, before its activation.
    """

    hidden: tuple[int, ...]
    activation: Activation = "relu"
    norm: Norm = "none"

    def __post_init__(self) -> None:
        widths("model.hidden", self.hidden, shortest=1)

    @property
    def mixes_rows(self) -> bool:
        """Where there is batch norm."""
        return self.norm == "batch"

    def layers(self, shape: tuple[int, ...], outputs: int) -> list[Layer]:
        """Of flat inputs, whatever their shape."""
        layers, width = [Layer("Flatten")], prod(shape)
        for wider in self.hidden:
            layers.append(Layer("Linear", (width, wider)))
            if self.norm != "none":
                layers.append(Layer(NORMS[self.norm], (wider,)))
            layers.append(Layer(ACTIVATIONS[self.activation]))
            width = wider
        return [*layers, Layer("Linear", (width, outputs))]


@dataclass(frozen=True)
class Linear(BuiltIn):
    """One linear layer: softmax regression, where classes are told apart."""

    has_hidden_units = False

    def layers(self, shape: tuple[int, ...], outputs: int) -> list[Layer]:
        """Of flat inputs, whatever their shape."""
        return [Layer("Flatten"), Layer("Linear", (prod(shape), outputs))]


@dataclass(frozen=True)
class CNN(BuiltIn):
    """3x3 convolutions with ReLU and 2x2 max pooling, then one linear layer."""

    channels: tuple[int, ...]

    convolves = True

    def __post_init__(self) -> None:
        widths("model.channels", self.channels, shortest=1)

    def layers(self, shape: tuple[int, ...], outputs: int) -> list[Layer]:
        """Of inputs of shape (height, width), or (channels, height, width)."""
        self._check(shape)
        depth, height, width = shape if len(shape) == 3 else (1, *shape)
        layers = [] if len(shape) == 3 else [Layer("Unflatten", (1, (1, height)))]
        for deeper in self.channels:
            conv = Layer("Conv2d", (depth, deeper, 3, 1, 1))  # stride and padding are 1
            layers += [conv, Layer("ReLU"), Layer("MaxPool2d", (2,))]
            depth, height, width = deeper, height // 2, width // 2
        return [*layers, Layer("Flatten"), Layer("Linear", (depth * height * width, outputs))]

    def _check(self, shape: tuple[int, ...]) -> None:
        """Each pooling halves both sides."""
        if len(shape) not in (2, 3):
            raise bad_value(
                "model", "cnn", f"mlp or logistic: inputs of shape {shape} are no images"
            )
        side = min(shape[-2:])
        most = side.bit_length() - 1
        if len(self.channels) > most:
            raise bad_value(
                "model.channels",
                list(self.channels),
                f"at most {most} depths: each halves the {side} pixels of a side",
            )


Model = BuiltIn | OwnModel


def is_layers(model: Model) -> bool:
    """Whether packs compute it layer by layer, with bits that are known to be those of a run alone.

    Any other module is tried: its packs may round otherwise.
    """
    return isinstance(model, BuiltIn) and not model.mixes_rows


# "logistic" is the older name of "linear".
MODELS: dict[str, type[BuiltIn]] = {"mlp": MLP, "linear": Linear, "logistic": Linear, "cnn": CNN}
