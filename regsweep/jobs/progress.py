"""What a job says while it trains and when it ends."""

import logging
from pathlib import Path

from regsweep.records.record import Record
from regsweep.records.task import CLASSIFICATION, PARTS
from regsweep.settings.run import Run
from regsweep.training.result import BatchLoss, Epoch

log = logging.getLogger(__name__)

SCORE = CLASSIFICATION.score


def log_epoch(epoch: Epoch, run: Run, alone: bool) -> None:
    """A line an epoch; a job of a sweep says it to its log only when asked to be verbose."""
    line = (
        f"epoch {epoch.epoch:>3}/{run.trainer.epochs}   "
        f"train loss {epoch.train_loss:.4f}  {SCORE} {epoch.train_score:7.2%}"
    )
    if epoch.val_loss is not None:
        line += f"   val loss {epoch.val_loss:.4f}  {SCORE} {epoch.val_score:7.2%}"
    log.log(logging.INFO if alone else logging.DEBUG, line)


def log_batch(batch: BatchLoss) -> None:
    """The loss of one batch and the part of it that is penalty."""
    parts = [
        f"{value:.5f} {name} penalty"
        for name, value in (
            ("L1", batch.l1_penalty),
            ("L2", batch.l2_penalty),
            ("of its own", batch.own_penalty),
        )
        if value
    ]
    of_which = f" (of which {', '.join(parts)})" if parts else ""
    log.info("epoch %d  batch %5d  loss %.5f%s", batch.epoch, batch.batch, batch.loss, of_which)


def log_end(record: Record, directory: Path) -> None:
    """What the run came to, and where its files are."""
    measured = [
        f"{part} loss {record.metrics[CLASSIFICATION.loss_of(part)]:.4f} "
        f"{SCORE} {record.metrics[CLASSIFICATION.score_of(part)]:.2%}"
        for part in PARTS
        if CLASSIFICATION.loss_of(part) in record.metrics
    ]
    what = "   ".join(measured) or f"the loss was not finite in epoch {record.epochs}"
    log.info("%s: %s   %.1f s   %s", record.status, what, record.seconds, _shown(directory))


def _shown(directory: Path) -> Path:
    here = Path.cwd()
    return directory.relative_to(here) if directory.is_relative_to(here) else directory
