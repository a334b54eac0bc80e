import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobStatus
from hydra.experimental.callback import Callback
from hydra.types import HydraContext, RunMode

from regsweep import training
from regsweep.cli.app import CONF, EXECUTION_WHITELIST
from regsweep.cli.nodes import register_nodes
from regsweep.data.source import default_root
from regsweep.errors import InputError, MachineFault
from regsweep.jobs.compose import ComposedOnce
from regsweep.packs.engines.choice import LOCAL
from regsweep.packs.rounds import Rounds
from regsweep.records import sweep_file
from regsweep.records.claim import ClaimLost, claimed, here
from regsweep.records.record import read
from regsweep.report.tables.runs import fixed_overrides
from regsweep.sweep.settle import Packing, Settled
from regsweep.training import functions

QUICK = ["trainer.epochs=1", "data.train_size=1000", "data.validation_size=100"]


class Noting(Callback):
    """Notes in each job's folder what Hydra calls, and what it hands over."""

    def on_job_start(self, config, **kwargs):
        folder = Path(config.hydra.runtime.output_dir)
        (folder / "start").write_text(f"{os.getpid()} {config.seed} {(folder / '.hydra').exists()}")

    def on_job_end(self, config, job_return, **kwargs):
        folder = Path(config.hydra.runtime.output_dir)
        (folder / "end").write_text(f"{job_return.status.name} {HydraConfig.get().job.num}")


@pytest.fixture
def callbacks():
    return Callbacks()


@pytest.fixture
def workers():
    return 2


@pytest.fixture
def checkpoint_minutes():
    """``None`` keeps no state of packs."""
    return None


@pytest.fixture
def asked():
    """What the sweep is asked besides."""
    return ["hydra/sweeper=basic"]


@pytest.fixture
def launch(tmp_path, asked, callbacks, workers, checkpoint_minutes):
    """Launches jobs as a sweeper does: ``launch([override, ...], ...)``."""
    register_nodes()
    with initialize_config_dir(str(CONF)):
        loader = ComposedOnce(GlobalHydra.instance().config_loader())
        config = loader.load_configuration(
            "config",
            [*QUICK, "hydra.mode=MULTIRUN", *asked, f"hydra.sweep.dir={tmp_path}"],
            run_mode=RunMode.MULTIRUN,
        )
        HydraConfig.instance().set_config(config)  # as Hydra does before it sweeps
        packed = {"model.norm=batch": "tried"}
        settled = Settled("cpu", "eager", 1, "highest", pack_width=8, packed=packed)
        sweep_file.write(
            sweep_file.SweepFile((), "basic", (), ("optimizer.lr",), "val_loss", 0, settled, {}),
            tmp_path,
        )
        context = HydraContext(loader, callbacks, EXECUTION_WHITELIST)
        rounds = Rounds(config, context, Packing(None, workers, None, checkpoint_minutes))
        yield lambda *jobs, number=0: rounds.launch([[*QUICK, *job] for job in jobs], number)


def test_a_job_that_cannot_start_fails_alone(launch, tmp_path, capsys):
    returns = launch(
        ["seed=1"],
        ["nonsense=1", "regularizer=l2", "seed=5"],
        ["optimizer.lr=-1.0", "regularizer=l1", "seed=6"],
        ["seed=2"],
    )

    statuses = [one.status for one in returns]
    assert statuses == [
        JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.FAILED, JobStatus.COMPLETED,
    ]  # fmt: skip
    records = [read(tmp_path / number / "record.json") for number in "0123"]
    assert [record.status for record in records] == [
        "completed", "failed", "failed", "completed",
    ]  # fmt: skip
    assert [record.run for record in records] == list("0123")
    assert all(record.started for record in records)
    assert "nonsense" in records[1].error
    assert "optimizer.lr=-1.0: expected" in records[2].error
    assert "Traceback" in records[2].error
    assert [(record.arm["regularizer"], record.seed) for record in records] == [
        ("none", 1), ("l2", 5), ("l1", 6), ("none", 2),
    ]  # fmt: skip
    assert records[2].config["regularizer.name"] == "l1"
    with pytest.raises(Exception, match="nonsense"):
        _ = returns[1].return_value
    said = capsys.readouterr().out
    assert "job 1 does not compose: nonsense: no such key" in said


def test_a_job_that_was_published_before_its_worker_died_is_what_its_record_says(launch, tmp_path):
    jobs = (["optimizer.lr=1e-3"], ["optimizer.lr=1e38"])
    before = launch(*jobs)
    records = [(tmp_path / number / "record.json").read_bytes() for number in "01"]

    again = launch(*jobs)

    assert [one.status for one in again] == [JobStatus.COMPLETED] * 2
    assert [one.return_value for one in again] == [one.return_value for one in before]
    assert [(tmp_path / number / "record.json").read_bytes() for number in "01"] == records


def test_the_record_of_another_job_is_refused(launch, tmp_path):
    launch(["optimizer.lr=1e-3"])

    [refused] = launch(["optimizer.lr=1e-2"])

    assert refused.status == JobStatus.FAILED
    with pytest.raises(InputError, match="the folder already holds a record"):
        _ = refused.return_value


def test_what_cannot_be_written_is_no_runs_failure(launch, tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "history.csv").mkdir()

    with pytest.raises(MachineFault, match=r"0/history.csv: Is a directory \([\d,]+ bytes free\)"):
        launch(["seed=1"], ["seed=2"])

    assert not (tmp_path / "0" / "record.json").exists()


def test_an_interrupt_that_an_error_stands_in_for_ends_the_sweep(launch, monkeypatch, tmp_path):
    def defer(*args):
        try:
            raise KeyboardInterrupt
        finally:
            _ = {}["defaults"]  # as a library does that cannot put back what it changed

    monkeypatch.setattr(ComposedOnce, "defer", defer)

    with pytest.raises(KeyboardInterrupt):
        launch(["seed=1"])
    assert list(tmp_path.glob("*/record.json")) == []


def test_returns_and_folders_are_in_the_sweepers_order(launch, tmp_path):
    jobs = [
        ["seed=3"], ["seed=1"], ["model=logistic"], ["seed=2"], ["optimizer.lr=1e38"], ["seed=1"],
    ]  # fmt: skip

    returns = launch(*jobs)

    records = [read(tmp_path / str(number) / "record.json") for number in range(len(jobs))]
    for job, one, record in zip(jobs, returns, records, strict=True):
        assert list(one.overrides) == list(record.overrides) == [*QUICK, *job]
        folder = Path(one.hydra_cfg.hydra.runtime.output_dir)
        assert folder == tmp_path / record.run
        assert {path.name for path in folder.iterdir()} >= {
            ".hydra", "regsweep.log", "history.csv", "record.json",
        }  # fmt: skip
        if record.status == "completed":
            assert one.return_value == record.metrics["val_loss"]
    assert [record.status for record in records].count("diverged") == 1
    assert returns[4].return_value == float("inf")
    assert records[1].metrics == records[5].metrics


class TestCallbacks:
    @pytest.fixture
    def callbacks(self):
        callbacks = Callbacks()
        callbacks.callbacks = [Noting()]
        return callbacks

    def test_fire_once_a_job_where_it_was_trained(self, launch, tmp_path):
        launch(["seed=4"], ["optimizer.lr=-1.0"], ["seed=5"], number=7)

        starts = {n: (tmp_path / n / "start").read_text().split() for n in "789"}
        ends = {n: (tmp_path / n / "end").read_text().split() for n in "789"}
        assert [starts[n][1:] for n in "789"] == [["4", "True"], ["0", "True"], ["5", "True"]]
        assert ends == {"7": ["COMPLETED", "7"], "8": ["FAILED", "8"], "9": ["COMPLETED", "9"]}
        processes = [int(starts[n][0]) for n in "789"]
        assert processes[1] == os.getpid()  # it was never trained
        assert os.getpid() not in (processes[0], processes[2])


def test_a_job_that_hydra_cannot_run_stops_the_sweep(launch, tmp_path):
    (tmp_path / "1").write_text("a file where its folder should be")

    with pytest.raises(MachineFault, match=f"{tmp_path}/1: File exists"):
        launch(["seed=1"], ["seed=2"])


def test_the_losses_of_batches_are_logged_by_their_run(launch, tmp_path):
    launch(["trainer.log_every=3"], ["trainer.log_every=3", "regularizer=l1"])

    for number, said in (("0", ""), ("1", " (of which ")):
        text = (tmp_path / number / "regsweep.log").read_text()
        lines = [line for line in text.splitlines() if "batch     3" in line]
        assert len(lines) == 1
        assert ("of which" in lines[0]) == bool(said)


def test_a_device_that_is_not_there_is_its_jobs_failure(launch, tmp_path):
    returns = launch(["trainer.device=cuda:99"], ["seed=1"])

    assert [one.status for one in returns] == [JobStatus.FAILED, JobStatus.COMPLETED]
    assert "trainer.device=cuda:99" in read(tmp_path / "0" / "record.json").error


def test_a_width_that_memory_did_not_hold_is_not_tried_again(launch, monkeypatch):
    rounds = []

    def train_packs(engine, packs, workers, work, on_narrower, has_come_further):
        rounds.append([pack.width for pack in packs])
        if len(rounds) == 1:
            on_narrower(packs[0], 2)
            on_narrower(packs[0], 1)
        yield from [(pack, RuntimeError("not trained")) for pack in packs]

    monkeypatch.setattr("regsweep.packs.rounds.train_packs", train_packs)

    launch(["seed=1"])
    launch(["seed=2"], number=1)
    launch(["seed=3", "model=logistic"], number=2)

    assert rounds == [[8], [1], [8]]


@pytest.mark.parametrize("asked", [["hydra/sweeper=basic", "hydra.sweep.subdir=${optimizer.lr}"]])
def test_failures_have_the_folders_of_their_jobs(launch, tmp_path):
    jobs = [["optimizer.lr=-1.0"], ["optimizer.lr=-2.0"], ["optimizer.lr=0.001"]]

    returns = launch(*jobs)

    assert [one.status.name for one in returns] == ["FAILED", "FAILED", "COMPLETED"]
    assert {path.parent.name for path in tmp_path.glob("*/record.json")} == {
        "-1.0", "-2.0", "0.001",
    }  # fmt: skip


def test_what_a_job_reads_of_hydra_is_its_own(launch, tmp_path):
    (tmp_path / "data-l2").symlink_to(default_root().expanduser())

    [done] = launch(
        ["regularizer=l2", f"data.root={tmp_path}/data-${{hydra:runtime.choices.regularizer}}"]
    )

    assert done.status == JobStatus.COMPLETED
    assert read(tmp_path / "0" / "record.json").config["data.root"].endswith("/data-l2")


def test_packs_hold_what_is_alike_one_seed_beside_the_other(launch, monkeypatch):
    seen = []

    def train_packs(engine, packs, workers, work, on_narrower, has_come_further):
        seen.extend(packs)
        yield from [(pack, RuntimeError("not trained")) for pack in packs]

    monkeypatch.setattr("regsweep.packs.rounds.train_packs", train_packs)

    returns = launch(
        ["seed=0", "regularizer=l1"],
        ["seed=1", "regularizer=l2", "regularizer.weight=1"],
        ["seed=0", "optimizer.lr=1"],
        ["model=logistic"],
        ["optimizer=sgd"],
        ["trainer.batch_size=10"],
        ["model=cnn"],
        ["run.stage=search"],
        ["model=cnn"],
    )

    assert sorted(pack.jobs for pack in seen) == [(0, 2, 1), (3,), (4,), (5,), (6,), (7,), (8,)]
    assert {job: pack.test for pack in seen for job in pack.jobs}[7] is False
    assert all(one.status == JobStatus.FAILED for one in returns)


NARROW = ["hydra/sweeper=optuna", "hydra.sweeper.n_jobs=1"]


@pytest.mark.parametrize(
    ("asked", "advice"),
    [
        ([*NARROW, "hydra.sweeper.n_trials=100"], "hydra.sweeper.n_jobs=32 "),
        ([*NARROW, "hydra.sweeper.n_trials=5"], "hydra.sweeper.n_jobs=5 "),
        ([*NARROW, "hydra.sweeper.n_trials=1"], None),
        (["hydra/sweeper=basic", "hydra.sweeper.max_batch_size=1"], "max_batch_size=32 "),
        (["hydra/sweeper=basic"], None),
    ],
)
def test_rounds_narrower_than_the_machine_are_said_once(launch, advice, capsys):
    launch(["seed=1"])
    first = capsys.readouterr().out
    launch(["seed=2"], number=1)

    assert (advice or "") in first
    assert ("such rounds" in first) == (advice is not None)
    assert "such rounds" not in capsys.readouterr().out


class TestARunOfAPackIsTrainedAgainByItself:
    @pytest.fixture
    def workers(self):
        return 0

    @pytest.fixture
    def asked(self):
        return ["hydra/sweeper=optuna"]

    @pytest.fixture
    def jobs(self):
        return [["model.norm=batch", f"regularizer={name}"] for name in ("none", "l1", "l2")]

    def test_and_is_the_same(self, launch, jobs, tmp_path):
        returns = launch(*jobs)

        assert [one.status for one in returns] == [JobStatus.COMPLETED] * 3
        record = read(tmp_path / "0" / "record.json")
        assert "trainer.pack=always" in fixed_overrides(record)

    def test_or_the_sweep_ends_in_an_error(self, launch, jobs, monkeypatch):
        kernel = functions.batch_norm

        def skewed(weight, bias, x, eps):
            output, mean, variance = kernel(weight, bias, x, eps)
            return output * (1 + 1e-3 * (len(x) - 1)), mean, variance

        monkeypatch.setattr(functions, "batch_norm", skewed)

        with pytest.raises(
            MachineFault, match=r"^2: trained again by itself, its .* is .*, and was .* in a pack"
        ):
            launch(*jobs)


LONG = ["trainer.epochs=60", "trainer.device=cpu"]
PAIR = (["seed=1", *LONG], ["seed=2", "regularizer=l1", *LONG])


def kept_in(folder):
    return list(folder.glob(".checkpoints/*.pt"))


def kill_what_trains(folder):
    """Kill the worker once its pack has kept its state."""
    deadline = time.monotonic() + 60
    while not kept_in(folder) and time.monotonic() < deadline:
        time.sleep(0.001)
    for worker in list(LOCAL.pool._processes):
        os.kill(worker, signal.SIGKILL)


def files_of(folder, numbers):
    return [
        (folder / str(number) / name).read_bytes()
        for number in numbers
        for name in ("history.csv", "weights.safetensors", "test_losses.npy")
    ]


@pytest.mark.parametrize(("workers", "checkpoint_minutes"), [(1, 0.002)])
def test_a_pack_whose_worker_is_killed_goes_on_with_the_same_bits(launch, tmp_path, capfd):
    untouched = launch(*PAIR, number=2)
    assert not (tmp_path / ".checkpoints").exists()
    killing = threading.Thread(target=kill_what_trains, args=(tmp_path,))
    killing.start()

    returns = launch(*PAIR)

    killing.join()
    assert [one.return_value for one in returns] == [one.return_value for one in untouched]
    assert files_of(tmp_path, (0, 1)) == files_of(tmp_path, (2, 3))
    [epoch] = re.findall(r"a pack goes on after epoch (\d+)", capfd.readouterr().out)
    assert 1 <= int(epoch) < 60
    assert not (tmp_path / ".checkpoints").exists()


@pytest.fixture
def interrupted(launch, monkeypatch):
    """Launches jobs that are interrupted in their third epoch."""
    train_epoch = training.pack._Pack.train_epoch

    def interrupt(self, number):
        if number == 3:
            raise KeyboardInterrupt
        train_epoch(self, number)

    def launched(*jobs):
        with monkeypatch.context() as patched:
            patched.setattr(training.pack._Pack, "train_epoch", interrupt)
            with pytest.raises(KeyboardInterrupt):
                launch(*jobs)

    return launched


FOUR = "trainer.epochs=4"
GIVEN_AGAIN = pytest.mark.parametrize(("workers", "checkpoint_minutes"), [(0, 0)])


@GIVEN_AGAIN
def test_packs_that_are_given_again_go_on(launch, interrupted, tmp_path, capsys):
    short = [["seed=0", f"trainer.epochs={epochs}"] for epochs in (2, 1)]
    jobs = (["seed=1", FOUR], ["seed=2", FOUR], *short)
    launch(*jobs, number=4)

    interrupted(*jobs)
    # A pack is published while the next one trains; its state is kept no more then.
    assert [path.parent.name for path in tmp_path.glob("[0123]/record.json")] == ["2"]
    assert len(kept_in(tmp_path)) == 2
    capsys.readouterr()
    launch(*jobs)

    assert files_of(tmp_path, (0, 1, 2, 3)) == files_of(tmp_path, (4, 5, 6, 7))
    said = capsys.readouterr().out
    assert sorted(re.findall(r"a pack goes on after epoch (\d+)", said)) == ["1", "2"]
    assert not (tmp_path / ".checkpoints").exists()


@GIVEN_AGAIN
def test_a_run_that_two_packs_have_kept_goes_on_in_one(launch, interrupted, tmp_path, capsys):
    jobs = (["seed=1", FOUR], ["seed=2", FOUR])
    launch(*jobs, number=2)
    interrupted(*jobs)
    interrupted(jobs[0])
    assert len(kept_in(tmp_path)) == 2
    capsys.readouterr()

    launch(*jobs)

    assert "training 2 runs" in capsys.readouterr().out
    assert files_of(tmp_path, (0, 1)) == files_of(tmp_path, (2, 3))


@GIVEN_AGAIN
def test_a_pack_goes_on_where_its_runs_would_be_dealt_otherwise_now(
    launch, interrupted, tmp_path, capsys
):
    jobs = (["seed=1", FOUR], ["seed=1", "regularizer=l1", FOUR])
    launch(*jobs, number=3)
    interrupted(*jobs)
    capsys.readouterr()

    launch(jobs[1], ["seed=1", "regularizer=l2", FOUR], jobs[0])

    said = capsys.readouterr().out
    assert "training 3 runs in 2 packs" in said
    assert "a pack goes on after epoch 2" in said
    assert "of other runs" not in said
    assert files_of(tmp_path, (2, 0)) == files_of(tmp_path, (3, 4))
    assert {read(tmp_path / number / "record.json").status for number in "012"} == {"completed"}


@GIVEN_AGAIN
def test_packs_of_other_runs_do_not_and_it_is_said(launch, interrupted, tmp_path, capsys):
    launch(["seed=1", FOUR], number=2)
    interrupted(["seed=1", FOUR], ["seed=2", FOUR])
    capsys.readouterr()

    launch(["seed=1", FOUR])

    said = capsys.readouterr().out
    assert f"{tmp_path}/.checkpoints: 1 of packs of other runs than now, or damaged" in said
    assert "goes on after" not in said
    assert files_of(tmp_path, (0,)) == files_of(tmp_path, (2,))
    assert not (tmp_path / ".checkpoints").exists()


@pytest.fixture
def claim(tmp_path):
    """That of the process that leads the sweep."""
    with claimed(tmp_path, "", here()) as claim:
        yield claim


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_is_published_in_a_folder_that_another_process_has_taken(claim, launch, tmp_path):
    (tmp_path / ".claim" / "2").write_text(claim.path.read_text())

    with pytest.raises(ClaimLost, match=f"^regsweep: {tmp_path}: pid .* has taken it; "):
        launch(["seed=1"], ["seed=2"])

    assert not list(tmp_path.glob("*/record.json"))
