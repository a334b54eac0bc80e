"""What a run has learned, as a function from raw inputs to predictions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from regsweep.data.dataset import scale
from regsweep.data.facts import Facts
from regsweep.data.own import Array, Decode, Encode
from regsweep.errors import InputError
from regsweep.records.record import FILE_NAME, WEIGHTS, Record, read
from regsweep.records.task import ACCURACY
from regsweep.settings.config import GROUPS, read_run
from regsweep.settings.flat import nested
from regsweep.settings.own import FUNCTIONS, OwnModel
from regsweep.settings.run import EXACT, Run
from regsweep.settings.younger import unsaid
from regsweep.training.load import codec_of, facts_of, load_data
from regsweep.training.loss import hits
from regsweep.training.network import build_network, taken
from regsweep.training.pack import numerics
from regsweep.training.score import score_of

_CHUNK = 500
# More than rounding explains: then it is another network, or other data.
_MOST_APART = 0.01


def load_predictor(directory: Path) -> Callable[[Any], Array]:
    """The predictor of the run in ``directory``: see ``regsweep.predictor``.

    Raises:
        InputError: the run has no weights, its data or its network are not here or are others.
    """
    record = read(directory / FILE_NAME)
    if not (directory / WEIGHTS).exists():
        raise InputError(
            f"{directory}: a {record.stage} run that {record.status} has no {WEIGHTS}; "
            "take a completed one of confirm, or a single run"
        )
    run = _run(record, directory)
    facts, encode, decode = _read_data(run, record, directory)
    network = build_network(run.model, facts.shape, facts.outputs).eval()
    try:
        network.load_state_dict(load_file(directory / WEIGHTS))
    except RuntimeError as error:
        raise InputError(
            f"{directory / WEIGHTS}: not the weights of model={record.config['model.name']} as it "
            f"is here ({' '.join(str(error).split())})"
        ) from error

    def outputs(inputs: Tensor) -> Tensor:
        return _outputs(network, taken(run.model, inputs), run.trainer.matmul_precision)

    def predict(raw: Any) -> Array:
        if len(raw) == 0:
            return decode(np.zeros((0, facts.outputs), np.float32))
        given = np.asarray(encode(raw))
        # Bytes are scaled as those that were trained on, and integers taken as those.
        kept = given.dtype in (np.uint8, np.int64)
        inputs = torch.from_numpy(given.astype(given.dtype if kept else np.float32))
        if tuple(inputs.shape[1:]) != facts.shape:
            raise InputError(
                f"inputs: of shape {tuple(inputs.shape)}, expected rows of shape {facts.shape}"
            )
        _refuse_rounded(run, inputs)
        try:
            return decode(outputs(inputs).numpy())
        except IndexError as error:
            raise InputError(
                f"inputs: from {inputs.min()} to {inputs.max()}, and the network has no place for "
                f"all of these ({error}); expected whole numbers as those of its data"
            ) from error

    _refuse_other(outputs, run, record, directory)
    return predict


def _refuse_rounded(run: Run, inputs: Tensor) -> None:
    """As ``Run.check`` does of data."""
    if inputs.dtype != torch.int64 or isinstance(run.model, OwnModel):
        return
    beyond = inputs[(inputs > EXACT) | (inputs < -EXACT)]
    if len(beyond):
        raise InputError(
            f"inputs: {beyond[0]} is a whole number that float32 rounds; expected {-EXACT} to "
            f"{EXACT}"
        )


@torch.no_grad()
def _outputs(network: nn.Module, inputs: Tensor, precision: str) -> Tensor:
    """What ``network`` gives of each row, (n, outputs)."""
    with numerics(precision):
        return torch.cat([network(scale(chunk)) for chunk in torch.split(inputs, _CHUNK)])


def _run(record: Record, directory: Path) -> Run:
    config = {**unsaid(record.config), **record.config}
    for group, own in FUNCTIONS.items():
        name = config.get(f"{group}.name")
        if name not in GROUPS[group] and name not in own:
            study = next(iter(record.environment.get("study", {})), "a study file")
            raise InputError(
                f"{directory}: {group}={name} is a choice of {study}, which is not loaded here; "
                "import it first"
            )
    return read_run(nested(config)).at(Path.cwd())


def _read_data(run: Run, record: Record, directory: Path) -> tuple[Facts, Encode, Decode]:
    """What is known of the data of ``run``; what encodes raw inputs, and what decodes outputs."""
    try:
        facts, (encode, decode) = facts_of(run.data, run.loss), codec_of(run.data, run.loss)
    except InputError as error:
        raise InputError(
            f"{directory}: what its data were scaled and encoded by is fitted to them again, and "
            f"they cannot be read: {error}"
        ) from error
    began = record.environment.get("files", {})
    for key, sha256 in facts.files.items():
        if began.get(key, sha256) != sha256:
            raise InputError(
                f"{directory}: {key} is other data than the run's: its SHA-256 was {began[key]} "
                f"and is now {sha256}"
            )
    return facts, encode, decode


def _refuse_other(
    outputs: Callable[[Tensor], Tensor], run: Run, record: Record, directory: Path
) -> None:
    """Refuse a network that does not score on the test rows what the run did."""
    test = load_data(run.data, run.loss, test=True).test
    task = run.task(facts_of(run.data, run.loss).task)
    key = task.score.of("test")
    was = record.metrics.get(key)
    if test is None or was is None:
        return
    given = outputs(test.inputs).mT.unsqueeze(0)
    if task.score == ACCURACY:
        targets = test.targets.unsqueeze(0)
        found = hits(given, targets, task.loss).item() / test.targets.numel()
    else:
        found = score_of(task.score, given, test.targets).item()
    if abs(found - was) > _MOST_APART:
        raise InputError(
            f"{directory}: {key} was {was:.4f} and is {found:.4f} with the network as it is here; "
            "have the code of the run"
        )
