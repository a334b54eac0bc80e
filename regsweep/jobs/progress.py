"""What a job says while it trains and when it ends."""

import logging
from pathlib import Path

from regsweep.records.record import BEST_EPOCH, Record
from regsweep.records.task import PARTS, Score, loss_of, scores_in
from regsweep.settings.run import Run
from regsweep.training.result import BatchLoss, Epoch

log = logging.getLogger(__name__)


def log_epoch(epoch: Epoch, run: Run, score: Score, alone: bool) -> None:
    """A line an epoch; a job of a sweep says it to its log only when asked to be verbose."""
    line = (
        f"epoch {epoch.epoch:>3}/{run.trainer.epochs}   "
        f"train {_measured(epoch.train_loss, epoch.train_score, score, 7)}"
    )
    if epoch.val_loss is not None and epoch.val_score is not None:
        line += f"   val {_measured(epoch.val_loss, epoch.val_score, score, 7)}"
    log.log(logging.INFO if alone else logging.DEBUG, line)


def log_batch(batch: BatchLoss) -> None:
    """The loss of one batch and the part of it that is penalty."""
    parts = [
        f"{value:.5f} {name} penalty"
        for name, value in (
            ("L1", batch.l1_penalty),
            ("L2", batch.l2_penalty),
            ("of its own", batch.own_penalty),
            ("group", batch.group_penalty),
        )
        if value
    ]
    of_which = f" (of which {', '.join(parts)})" if parts else ""
    log.info("epoch %d  batch %5d  loss %.5f%s", batch.epoch, batch.batch, batch.loss, of_which)


def log_end(record: Record, directory: Path) -> None:
    """What the run came to, and where its files are."""
    [score, *_] = scores_in(record.metrics)
    measured = [
        f"{part} {_measured(record.metrics[loss_of(part)], record.metrics[score.of(part)], score)}"
        for part in PARTS
        if loss_of(part) in record.metrics
    ]
    what = "   ".join(measured) or f"the loss was not finite in epoch {record.epochs}"
    if BEST_EPOCH in record.metrics:
        what += f"   of epoch {record.metrics[BEST_EPOCH]:.0f} of {record.epochs}"
    log.info("%s: %s   %.1f s   %s", record.status, what, record.seconds, _shown(directory))


def _measured(loss: float, value: float, score: Score, room: int = 0) -> str:
    """``loss 0.4214  accuracy  88.30%``; the score takes ``room`` characters at least."""
    shown = f"{value:.2%}" if score.in_percent else f"{value:.4f}"
    return f"loss {loss:.4f}{'  ' if room else ' '}{score.words} {shown:>{room}}"


def _shown(directory: Path) -> Path:
    here = Path.cwd()
    return directory.relative_to(here) if directory.is_relative_to(here) else directory
