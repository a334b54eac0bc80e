"""How long, how wide and on what a run is trained."""

import re
from dataclasses import dataclass
from typing import Literal

from regsweep.errors import bad_value
from regsweep.settings.checks import fraction, whole

Schedule = Literal["constant", "cosine", "linear"]
Packing = Literal["auto", "always", "never"]
Precision = Literal["highest", "high", "medium"]


@dataclass(frozen=True)
class Trainer:
    """Epochs, batch size, device, learning rate, and PyTorch's float32 matrix-product precision.

    ``compile`` asks for ``torch.compile``; ``auto`` leaves it to what is settled for the sweep.

    ``log_every`` prints the loss with its penalty part after every so many batches, as the
    article does; ``None`` prints a line an epoch.

    ``schedule`` is what the learning rate does over all steps, behind the share ``warmup`` of them
    in which it grows.

    ``pack`` says whether runs train together where their bits might then be others: ``auto`` tries
    it, ``always`` takes that, ``never`` trains each run alone.
    """

    epochs: int
    batch_size: int
    device: str
    compile: bool | Literal["auto"]
    matmul_precision: Precision
    log_every: int | None
    schedule: Schedule = "constant"
    warmup: float = 0.0
    pack: Packing = "auto"

    def __post_init__(self) -> None:
        whole("trainer.epochs", self.epochs, low=1)
        whole("trainer.batch_size", self.batch_size, low=1)
        if self.log_every is not None:
            whole("trainer.log_every", self.log_every, low=1)
        fraction("trainer.warmup", self.warmup)
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", self.device):
            raise bad_value("trainer.device", self.device, "auto, cpu, cuda or cuda:N")
