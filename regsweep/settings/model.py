"""The models on offer; ``regsweep.training.network`` builds them."""

from dataclasses import dataclass
from typing import Literal

from regsweep.errors import bad_value
from regsweep.settings.checks import widths
from regsweep.settings.own import OwnModel

Activation = Literal["relu", "gelu", "tanh", "silu"]
Norm = Literal["none", "batch", "layer"]


@dataclass(frozen=True)
class MLP:
    """Linear layers with an activation between them; ``hidden`` has the widths of the inner ones.

    ``norm`` stands behind each inner linear layer, before its activation.
    """

    hidden: tuple[int, ...]
    activation: Activation = "relu"
    norm: Norm = "none"

    def __post_init__(self) -> None:
        widths("model.hidden", self.hidden, shortest=1)


@dataclass(frozen=True)
class Linear:
    """One linear layer: softmax regression, where classes are told apart."""


@dataclass(frozen=True)
class CNN:
    """3x3 convolutions with ReLU and 2x2 max pooling, then one linear layer."""

    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        widths("model.channels", self.channels, shortest=1)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse inputs of a ``shape`` that is not ([channels,] height, width), or too small.

        Each pooling halves both sides.
        """
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


Model = MLP | Linear | CNN | OwnModel


def is_layers(model: Model) -> bool:
    """Whether packs compute it layer by layer, with bits that are known to be those of a run alone.

    Any other module is tried: its packs may round otherwise.
    """
    return not isinstance(model, OwnModel) and not (
        isinstance(model, MLP) and model.norm == "batch"
    )


# "logistic" is the older name of "linear".
MODELS: dict[str, type[Model]] = {"mlp": MLP, "linear": Linear, "logistic": Linear, "cnn": CNN}
