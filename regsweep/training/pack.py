"""The one training loop: it trains a pack of runs; a single run is a pack of one."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import astuple
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regsweep.data.dataset import Dataset, Examples, scale
from regsweep.data.facts import Facts
from regsweep.records.record import BEST_EPOCH, UNITS
from regsweep.records.task import Task, loss_of
from regsweep.settings.own import OwnModel, OwnRegularizer
from regsweep.settings.run import Run, fusible
from regsweep.training.batches import Shuffler
from regsweep.training.checkpoint import Checkpoint, Progress
from regsweep.training.compiled import compiled_step, same_as_before, stay_in_place
from regsweep.training.evaluate import evaluate
from regsweep.training.generators import global_states, seeded, set_global_states
from regsweep.training.load import facts_of, load_data
from regsweep.training.loss import class_weights
from regsweep.training.mixup import Mixing, epoch_mixing, mix
from regsweep.training.network import Network, build_network, network_of, output_layer, taken
from regsweep.training.noise import shared_noise
from regsweep.training.optimizer import pack_optimizer
from regsweep.training.own_penalty import own_penalties, pack_penalty
from regsweep.training.penalty import (
    PackCoefficients,
    group_penalty,
    pack_coefficients,
    penalty_terms,
)
from regsweep.training.probe import Kind, check_compiled
from regsweep.training.result import BatchLoss, Epoch, Result
from regsweep.training.schedule import epoch_rates
from regsweep.training.state import State, initial_state, state_dict
from regsweep.training.step import gather, new_totals, train_step
from regsweep.training.stopping import Stopping, best_epoch, halved
from regsweep.training.weight_statistics import weight_statistics, zero_units

THREADS = 1

Mode = Literal["compiled", "eager"]
OnEpoch = Callable[[int, Epoch], None]
OnBatch = Callable[[BatchLoss], None]


def train_pack(
    runs: Sequence[Run],
    dataset: Dataset,
    device: torch.device,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    *,
    mode: Mode = "eager",
    width: int = 1,
    alone: bool = False,
    checkpoint: Checkpoint | None = None,
) -> list[Result]:
    """Train ``runs`` at once and measure each; results come in the order of ``runs``.

    The runs are alike (``fusible``): they share data, model, kind of optimizer and trainer; seeds,
    regularizers, the optimizers' numbers and schedules may differ. A run's result is the same in
    every pack. A run whose loss (with penalty) is not finite at the end of an epoch has diverged:
    it keeps its history up to that epoch and has no metrics; the others go on untouched.

    A run that stops early is measured with the weights of its best epoch, and has diverged where
    any epoch up to its last has. What the pack does to it afterwards, while others train, is of no
    account. Without validation rows none stops early.

    In ``mode`` ``compiled`` the step is one graph, compiled for one number of runs: fewer than
    ``width`` runs are filled up with copies of the last, whose results are dropped.

    A compiled step is checked against the eager one before its kind first trains.

    ``alone`` says that a network that is not built in, of a single run, is computed as it is.
    What it draws from the global generators is then a function of the run's seed too.

    ``on_epoch(i, epoch)`` is called for every run ``i`` after each of its epochs, and
    ``on_batch`` after every ``trainer.log_every`` batches. The test set is measured if
    ``dataset`` has one.

    Where a ``checkpoint`` of this pack is there, training goes on from it with the same bits, and
    what was told by then is told again; it is written after an epoch, where it is due.

    Raises:
        ValueError: the runs differ in something that a pack must share.
        MachineFault: ``torch.compile`` does not work here.
    """
    started = kept_at = time.perf_counter()
    _check_alike(runs)
    first = runs[0]
    if alone and (len(runs) > 1 or width > 1):
        raise ValueError(f"{max(len(runs), width)} runs cannot each be alone")
    own_draws = seeded(first.seed) if alone else nullcontext()
    with numerics(first.trainer.matmul_precision), own_draws:
        pack = _Pack(runs, dataset, device, on_epoch, on_batch, mode, width, alone)
        kept = checkpoint.read() if checkpoint else None
        if kept:
            pack.go_on_from(kept)
            started -= kept.seconds
        for epoch in range(kept.epoch + 1 if kept else 1, first.trainer.epochs + 1):
            pack.train_epoch(epoch)
            if not pack.training:
                break
            if checkpoint and time.perf_counter() - kept_at >= checkpoint.seconds:
                checkpoint.write(pack.progress(epoch, time.perf_counter() - started))
                kept_at = time.perf_counter()
        metrics = pack.final_metrics() if pack.alive else [{} for _ in runs]
    share = (time.perf_counter() - started) / len(runs)
    return [pack.result(i, metrics[i], share) for i in range(len(runs))]


class _Pack:
    """The state of a pack while it trains."""

    def __init__(
        self,
        runs: Sequence[Run],
        dataset: Dataset,
        device: torch.device,
        on_epoch: OnEpoch | None,
        on_batch: OnBatch | None,
        mode: Mode,
        width: int,
        alone: bool,
    ) -> None:
        compiled = mode == "compiled"
        self.alive = set(range(len(runs)))  # all that have not diverged
        self.training = set(self.alive)  # of these, those that have not stopped early
        if compiled:
            runs = [*runs, *[runs[-1]] * (width - len(runs))]
        self.runs, self.device, self.alone = runs, device, alone
        self.trainer = runs[0].trainer
        self.data = dataset.with_inputs(partial(taken, runs[0].model)).to(device)
        self.task = runs[0].task(dataset.task)
        self.weights: Tensor | None = None
        if runs[0].loss_weight == "balanced":
            self.weights = class_weights(self.data.train.targets, dataset.outputs)
        self.on_epoch, self.on_batch = on_epoch, on_batch
        model, shape, outputs = runs[0].model, dataset.shape, dataset.outputs
        drops = runs[0].drops
        self.network: Network = network_of(model, shape, outputs, alone=alone, dropout=drops)
        seeds = [run.seed for run in runs]
        build = partial(build_network, model, shape, outputs)
        noise = shared_noise(seeds, device) if drops else None
        self.state: State = initial_state(self.network, build, seeds, device, noise)
        choices = [run.regularizer for run in runs]
        groups = "group" in choices[0].coefficients().mechanisms
        self.coefficients: PackCoefficients = pack_coefficients(
            choices,
            device,
            every_term=compiled,
            output=output_layer(build, scale(self.data.train.inputs[:2].cpu())) if groups else (),
            lrs=[run.optimizer.lr for run in runs],
        )
        self.penalty = pack_penalty(choices, device, alone=alone)
        self.optimizer = pack_optimizer([run.optimizer for run in runs], self.state.parameters)
        self.stopping: Stopping | None = None
        patience = [choice.coefficients().patience for choice in choices]
        if None not in patience and (halves := halved(self.data)):
            given = [own or math.inf for own in patience]
            self.stopping = Stopping(given, self.state, *halves)
        self.totals = new_totals(len(runs), device)
        self.shuffler = Shuffler(seeds, len(self.data.train), self.trainer.batch_size, device)
        self.step = compiled_step(device.type) if compiled else train_step
        if compiled:
            lanes = 1 if len(set(seeds)) == 1 else len(seeds)
            check_compiled(self.network, _kind(runs[0], len(runs), lanes, self.data, device))
            stay_in_place(self.moved())
        self.rates: Tensor | None = None  # of the epoch, (steps, runs), where they change
        self.mixing: Mixing | None = None  # of the epoch
        self.settled = same_as_before if compiled else nullcontext
        self.history: list[list[Epoch]] = [[] for _ in runs]
        self.batches: list[BatchLoss] = []  # those that were told
        self.validation: list[tuple[float, float]] | None = None  # of the last epoch
        self.test_losses: Tensor | None = None  # of every run and test row, at the end

    def moved(self) -> list[Tensor]:
        """All that steps move in place."""
        return [*self.state.tensors(), *self.optimizer.tensors(), *self.totals.tensors()]

    def lasting(self) -> list[Tensor]:
        """All that epochs change: what steps move, and the weights that early stopping keeps."""
        return [*self.moved(), *(self.stopping.kept if self.stopping else [])]

    def progress(self, epoch: int, seconds: float) -> Progress:
        """How far it has come after ``epoch``, and ``seconds`` of training."""
        return Progress(
            epoch=epoch,
            seconds=seconds,
            moved=[tensor.detach() for tensor in self.lasting()],
            orders=self.shuffler.states(),
            drawn=global_states(self.device) if self.alone else [],
            alive=sorted(self.alive),
            history=[[astuple(epoch) for epoch in epochs] for epochs in self.history],
            validation=self.validation,
            batches=[astuple(batch) for batch in self.batches],
        )

    @torch.no_grad()
    def go_on_from(self, kept: Progress) -> None:
        """Be what the pack was that came so far."""
        for tensor, value in zip(self.lasting(), kept.moved, strict=True):
            tensor.copy_(value)
        self.shuffler.set_states(kept.orders)
        if self.alone:
            set_global_states(kept.drawn, self.device)
        self.alive = set(kept.alive)
        self.history = [[Epoch(*epoch) for epoch in epochs] for epochs in kept.history]
        stopped = self.stopping.stopped(self.history) if self.stopping else set[int]()
        self.training = self.alive - stopped
        self.validation = kept.validation
        for batch in kept.batches:
            self._tell(BatchLoss(*batch))
        if self.on_epoch:
            for i, epochs in enumerate(self.history):
                for epoch in epochs:
                    self.on_epoch(i, epoch)

    def train_epoch(self, number: int) -> None:
        """One pass over the training data, the validation metrics, and who diverged."""
        for total in self.totals.tensors():
            total.zero_()
        steps = self.shuffler.steps
        rates = epoch_rates(self.runs, number, steps)
        self.rates = None if rates is None else rates.to(self.optimizer.lr.device)
        if self.data.train.inputs.dtype != torch.int64:  # those are looked up, not mixed
            self.mixing = epoch_mixing(self.runs, number, steps, self.totals.losses.device)
        batches = enumerate(self.shuffler.epoch(), start=1)
        # The first step may compile; the others are like it.
        self._train_batch(number, *next(batches))
        with self.settled():
            for batch, indices in batches:
                self._train_batch(number, batch, indices)
        losses, scores = self._train_means(steps)
        self._close_epoch(number, losses.tolist(), scores.tolist())

    def _train_means(self, steps: int) -> tuple[Tensor, Tensor]:
        """Losses and scores over the epoch's batches, (runs,).

        Scores that are no sums are those after it, and so are both where examples are mixed, as no
        batch has one as it is. R² is 1 - loss, as training targets have a variance of 1.
        """
        if self.mixing is not None:
            return evaluate(self.network, self.state, self.data.train, self.task)
        losses = self.totals.losses / steps
        if self.task.loss == "mse":
            return losses, 1 - losses
        if not self.task.score.by_batch:
            return losses, evaluate(self.network, self.state, self.data.train, self.task)[1]
        labels = self.data.train.targets[0].numel()
        return losses, self.totals.hits.double() / (steps * self.trainer.batch_size * labels)

    def _train_batch(self, number: int, batch: int, indices: Tensor) -> None:
        logged = self.on_batch and batch % (self.trainer.log_every or batch + 1) == 0
        penalties = self._penalties() if logged else None
        if self.rates is not None:
            self.optimizer.lr.copy_(self.rates[batch - 1])
        inputs, targets = gather(self.data.train, indices)
        mixed = None
        if self.mixing is not None:
            inputs, targets, mixed = mix(inputs, targets, self.mixing, batch - 1)
        losses = self.step(
            self.network,
            self.state,
            self.optimizer,
            self.coefficients,
            self.penalty,
            inputs,
            targets,
            self.totals,
            self.task.loss,
            self.weights,
            mixed,
        )
        if penalties:
            self._log_batch(number, batch, losses, penalties)

    def _close_epoch(self, number: int, losses: list[float], scores: list[float]) -> None:
        validation = self.validation = self._validate()
        stopping = self._measure(self.stopping.rows) if self.stopping else None
        penalties = torch.stack(self._penalties()).sum(0).tolist()
        for i in sorted(self.training):
            val_loss, val_score = validation[i] if validation else (None, None)
            own = self.stopping is not None and self.stopping.stops(i)
            stopping_loss = stopping[i][0] if stopping and own else None
            epoch = Epoch(number, losses[i], scores[i], val_loss, val_score, stopping_loss)
            self.history[i].append(epoch)
            total = losses[i] + penalties[i] + (val_loss or 0.0) + (stopping_loss or 0.0)
            if not math.isfinite(total):
                self.alive.remove(i)
                self.training.remove(i)
            if self.on_epoch:
                self.on_epoch(i, epoch)
        if self.stopping:
            self.stopping.keep(self.history, self.state, self.training)
            self.training -= self.stopping.stopped(self.history)

    def _validate(self) -> list[tuple[float, float]] | None:
        """(loss, score) of every run over the validation rows that judge it, if there are any."""
        judges = self.stopping.judges if self.stopping else self.data.validation
        return None if judges is None else self._measure(judges)

    def _log_batch(
        self,
        epoch: int,
        batch: int,
        losses: Tensor,
        penalties: Sequence[Tensor],
    ) -> None:
        terms = [term.tolist() for term in penalties]
        for i, loss in enumerate(losses.tolist()):
            if i in self.training:
                parts = [term[i] for term in terms]
                self._tell(BatchLoss(i, epoch, batch, loss + sum(parts), *parts))

    def _tell(self, batch: BatchLoss) -> None:
        self.batches.append(batch)
        if self.on_batch:
            self.on_batch(batch)

    @torch.no_grad()
    def _penalties(self) -> list[Tensor]:
        """Those of l1, of l2, of a function of the user's and of groups.

        Each is (runs,), float64 on the CPU.
        """
        parameters = self.state.parameters
        l1, l2 = penalty_terms(parameters, self.coefficients)
        own = torch.zeros_like(l1)
        if self.penalty is not None:
            own = own_penalties(self.penalty, parameters).double().cpu()
        return [l1, l2, own, group_penalty(parameters, self.coefficients)]

    def _measure(self, examples: Examples, rows: Tensor | None = None) -> list[tuple[float, float]]:
        """(loss, score) of every run over ``examples``; ``rows`` are filled."""
        losses, scores = evaluate(self.network, self.state, examples, self.task, rows)
        return list(zip(losses.tolist(), scores.tolist(), strict=True))

    def final_metrics(self) -> list[dict[str, float]]:
        """The metrics of a record, of every run: of the last epoch, or the best where it stops."""
        if self.stopping is not None:
            self.stopping.restore(self.state)
            self.validation = self._validate()
        test = self.data.test
        if test is not None:
            shape = len(self.runs), len(test)
            self.test_losses = torch.empty(shape, device=test.targets.device)
        measured = {
            "train": self._measure(self.data.train),
            "val": self.validation,
            "test": None if test is None else self._measure(test, self.test_losses),
        }
        statistics = {
            "penalty": torch.stack(self._penalties()).sum(0),
            **weight_statistics(self.state.parameters),
        }
        if self.coefficients.group is not None:
            hidden = [
                value
                for name, value in self.state.parameters.items()
                if name not in self.coefficients.output
            ]
            statistics[UNITS] = zero_units(hidden)
        return [
            {
                name: value
                for part, values in measured.items()
                if values
                for name, value in zip(_names(part, self.task), values[i], strict=True)
            }
            | {name: values[i].item() for name, values in statistics.items()}
            | self._best_epoch(i)
            for i in range(len(self.runs))
        ]

    def _best_epoch(self, i: int) -> dict[str, float]:
        if self.stopping is None or not self.stopping.stops(i) or i not in self.alive:
            return {}
        return {BEST_EPOCH: float(best_epoch(self.history[i]))}

    def result(self, i: int, metrics: dict[str, float], seconds: float) -> Result:
        """How run ``i`` ended; a last loss that is not finite is a divergence too."""
        finite = all(math.isfinite(value) for value in metrics.values())
        completed = i in self.alive and finite
        return Result(
            status="completed" if completed else "diverged",
            metrics=metrics if completed else {},
            history=tuple(self.history[i]),
            weights=state_dict(self.network, self.state, i),
            seconds=seconds,
            test_losses=self._test_losses(i) if completed else None,
        )

    def _test_losses(self, i: int) -> NDArray[np.float32] | None:
        if self.test_losses is None:
            return None
        losses: NDArray[np.float32] = self.test_losses[i].cpu().numpy().copy()
        return losses


def _kind(run: Run, runs: int, lanes: int, data: Dataset | Facts, device: torch.device) -> Kind:
    rows = data.train.inputs if isinstance(data, Dataset) else None
    integers = rows is not None and rows.dtype == torch.int64
    return Kind(
        optimizer=type(run.optimizer),
        runs=runs,
        lanes=lanes,
        batch_size=run.trainer.batch_size,
        shape=data.shape,
        outputs=data.outputs,
        device=device,
        precision=run.trainer.matmul_precision,
        penalty_kind=run.regularizer.kind if isinstance(run.regularizer, OwnRegularizer) else None,
        penalty=run.regularizer if isinstance(run.regularizer, OwnRegularizer) else None,
        build=partial(build_network, run.model, data.shape, data.outputs),
        loss=run.task(data.task).loss,
        weighted=run.loss_weight == "balanced",
        integers=integers,
        inputs=rows if integers else None,
        mechanisms=run.regularizer.coefficients().mechanisms,
    )


def _names(part: str, task: Task) -> tuple[str, str]:
    return loss_of(part), task.score.of(part)


def try_compiled(run: Run, width: int, device: torch.device, alone: bool = False) -> None:
    """Compile and check the step of ``width`` runs like ``run`` that share their batches.

    Raises:
        MachineFault: ``torch.compile`` does not work here, or what it makes computes other numbers.
    """
    facts = facts_of(run.data, run.loss)
    shape, outputs = facts.shape, facts.outputs
    network = network_of(run.model, shape, outputs, alone=alone, dropout=run.drops)
    looked_up = facts.largest is not None and isinstance(run.model, OwnModel)
    data = load_data(run.data, run.loss, test=False) if looked_up else facts
    with numerics(run.trainer.matmul_precision):
        check_compiled(network, _kind(run, width, 1, data, device))


def _check_alike(runs: Sequence[Run]) -> None:
    for run in runs:
        for part, first in zip(fusible(run), fusible(runs[0]), strict=True):
            if part != first:
                raise ValueError(f"the runs of a pack must be alike: {part} is not {first}")


@contextmanager
def numerics(precision: str) -> Iterator[None]:
    """PyTorch's settings that decide the last bits of a result, then what they were before.

    One thread: with more, a lone run's products are summed in another order than a pack's
    (seen at batch 10), and results would depend on the machine. Packs use the cores, one each.

    Numbers below 1e-38 count as zero. Where an input stays dark, Adam's averages decay to such
    numbers, and with them one step costs up to 8 times as much on some processors.
    """
    before = torch.get_float32_matmul_precision(), torch.get_num_threads()
    torch.set_float32_matmul_precision(precision)
    torch.set_num_threads(THREADS)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_float32_matmul_precision(before[0])
        torch.set_num_threads(before[1])
