"""What a worker process does: it trains packs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from regsweep.errors import machine_fault
from regsweep.jobs.environment import name_of, now
from regsweep.jobs.job import Trained
from regsweep.packs.engines.peers import peer
from regsweep.settings.run import Run
from regsweep.training.checkpoint import Checkpoint
from regsweep.training.load import facts_of, load_data
from regsweep.training.pack import Mode, train_pack
from regsweep.training.result import BatchLoss


@dataclass(frozen=True)
class Pack:
    """Runs to train as one, and what ``train_pack`` needs beside them.

    ``jobs`` are the numbers of the runs' jobs in the sweep; ``test`` says whether the test set is
    loaded; a compiled pack is filled up to ``width`` runs. ``alone`` is as ``train_pack`` has it.
    """

    jobs: tuple[int, ...]
    runs: tuple[Run, ...]
    test: bool
    device: str
    mode: Mode
    width: int
    alone: bool = False


def train(pack: Pack, checkpoint: Checkpoint | None = None) -> list[Trained]:
    """Train ``pack``, from its ``checkpoint`` on; the results in the order of its runs.

    Raises:
        MachineFault: the machine stands in the way, not a run.
    """
    started = now()
    batches: list[BatchLoss] = []
    try:
        results = train_pack(
            pack.runs,
            load_data(pack.runs[0].data, pack.runs[0].loss, test=pack.test),
            torch.device(pack.device),
            on_batch=batches.append,
            mode=pack.mode,
            width=pack.width,
            alone=pack.alone,
            checkpoint=replace(checkpoint, made_by=_makings(pack)) if checkpoint else None,
        )
    except Exception as error:
        # Told here: what caused an error does not come along from one process to another.
        if fault := machine_fault(error):
            raise fault from error
        raise
    name = name_of(torch.device(pack.device))
    return [
        Trained(result, tuple(batch for batch in batches if batch.run == i), started, name)
        for i, result in enumerate(results)
    ]


def _makings(pack: Pack) -> Mapping[str, str]:
    """What the bits of ``pack`` depend on beside itself: versions, the processor, data, a study."""
    run, here = pack.runs[0], peer()
    device = torch.device(pack.device)
    gpu = {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}
    sources = run.study.sources if run.study else {}
    files = facts_of(run.data, run.loss).files
    return {**here.versions, "processor": here.processor, **gpu, **files, **sources}
