"""The scenarios of Hydra's own launcher tests, for jobs that are trained in packs."""

import os
import traceback
from pathlib import Path

import pytest
from hydra.core.utils import JobStatus
from hydra.errors import HydraException
from in_process import multirun
from noting import noted
from omegaconf import OmegaConf

from regsweep.data.source import default_root
from regsweep.packs.engines.choice import dismiss_all
from regsweep.records.record import read

pytestmark = pytest.mark.usefixtures("workers")

TINY = (
    *("hydra/sweeper=basic", "hydra.launcher.workers=2", "model.hidden=[4]", "trainer.epochs=1"),
    *("data.train_size=200", "data.validation_size=100", "trainer.batch_size=50"),
)
NOTING = "+hydra.callbacks.noting._target_=noting.Noting"


@pytest.fixture
def swept(tmp_path, monkeypatch):
    """The rounds of a sweep into the folder ``here``, asked for within ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    return lambda *asked: multirun(monkeypatch, *TINY, f"hydra.sweep.dir={tmp_path}/here", *asked)


def verify_folder(job):
    """What Hydra promises of the folder of a job."""
    folder = Path(job.hydra_cfg.hydra.runtime.output_dir)
    assert (folder / "regsweep.log").stat().st_size > 0
    assert OmegaConf.load(folder / ".hydra" / "overrides.yaml") == list(job.overrides)
    assert OmegaConf.load(folder / ".hydra" / "config.yaml") == job.cfg
    assert OmegaConf.load(folder / ".hydra" / "hydra.yaml").hydra.job.num == (
        job.hydra_cfg.hydra.job.num
    )


def test_one_job(swept, tmp_path):
    [[done]] = swept("regularizer=none")

    given = [*TINY[2:], "regularizer=none"]
    assert list(done.overrides) == given
    assert (done.cfg.regularizer.name, done.cfg.trainer.epochs) == ("none", 1)
    assert done.hydra_cfg.hydra.job.name == "regsweep"
    assert (done.hydra_cfg.hydra.job.id, done.hydra_cfg.hydra.job.num) == ("0", 0)
    verify_folder(done)
    assert done.return_value == read(tmp_path / "here" / "0" / "record.json").metrics["val_loss"]


def test_groups_and_keys_in_batches(swept, tmp_path):
    rounds = swept(
        "regularizer=l1,l2",
        "regularizer.weight=1e-3",
        "optimizer.lr=1e-1,1e-2,1e-3",
        "hydra.sweeper.max_batch_size=2",
        NOTING,
    )

    assert [len(jobs) for jobs in rounds] == [2, 2, 2]
    jobs = [job for jobs in rounds for job in jobs]
    wanted = [(group, lr) for group in ("l1", "l2") for lr in (1e-1, 1e-2, 1e-3)]
    folders = [Path(job.hydra_cfg.hydra.runtime.output_dir) for job in jobs]
    assert folders == [tmp_path / "here" / str(number) for number in range(6)]
    for number, (job, (group, lr)) in enumerate(zip(jobs, wanted, strict=True)):
        asked = [f"regularizer={group}", "regularizer.weight=0.001", f"optimizer.lr={lr}"]
        assert list(job.overrides) == [*TINY[2:], *asked]
        assert (job.cfg.regularizer.name, job.cfg.regularizer.weight) == (group, 1e-3)
        assert job.cfg.optimizer.lr == lr
        assert job.status == JobStatus.COMPLETED
        verify_folder(job)

        start, end = noted(folders[number])
        assert (start["call"], end["call"]) == ("on_job_start", "on_job_end")
        assert (start["number"], start["id"]) == (number, str(number))
        assert (start["choice"], start["lr"]) == (group, lr)
        assert start["overrides"] == list(job.overrides)
        assert start["written"] == ["config.yaml", "hydra.yaml", "overrides.yaml"]
        assert start["callable"]
        assert start["process"] != os.getpid()
        assert (end["status"], end["published"]) == ("COMPLETED", True)
        assert end["config"] == OmegaConf.to_container(job.cfg, resolve=True)
    asked = OmegaConf.load(tmp_path / "here" / "multirun.yaml")
    assert "optimizer.lr=1e-1,1e-2,1e-3" in asked.hydra.overrides.task
    assert [said["call"] for said in noted(tmp_path / "here")] == [
        "on_multirun_start", "on_multirun_end",
    ]  # fmt: skip


def test_folders_names_and_environment_of_jobs(swept, tmp_path):
    dismiss_all()  # new ones start where the command is given, as those of every command do
    (tmp_path / "data").symlink_to(default_root().expanduser())

    [[one, two]] = swept(
        "hydra.sweep.dir=here",
        "regularizer=l1,l2",
        "seed=4",
        "data.root=data",
        "hydra.job.name=mine",
        "hydra.job.chdir=true",
        "+hydra.job.env_set.NOTED='job ${hydra:job.num} of ${regularizer.name}'",
        "hydra.sweep.subdir='${hydra:job.name}/${hydra:job.override_dirname}'",
        "hydra.job.config.override_dirname.kv_sep=_",
        "hydra.job.config.override_dirname.item_sep=+",
        "hydra.job.config.override_dirname.exclude_keys=[data.root,seed,model.hidden,"
        "trainer.epochs,data.train_size,data.validation_size,trainer.batch_size]",
        NOTING,
    )

    here = os.getcwd()
    assert here == str(tmp_path)
    assert "NOTED" not in os.environ
    for number, (job, group) in enumerate(((one, "l1"), (two, "l2"))):
        folder = tmp_path / "here" / "mine" / f"regularizer_{group}"
        start, _ = noted(folder)
        assert start["dirname"] == f"regularizer_{group}"
        assert (start["cwd"], start["original_cwd"]) == (str(folder), str(tmp_path))
        assert start["absolute"] == str(tmp_path / "x")
        assert start["environment"] == f"job {number} of {group}"
        assert (start["name"], job.hydra_cfg.hydra.job.name) == ("mine", "mine")
        assert job.working_dir == f"here/mine/regularizer_{group}"
        record = read(folder / "record.json")
        assert (record.run, record.seed) == (f"mine/regularizer_{group}", 4)
        assert {path.name for path in folder.iterdir()} == {
            ".hydra", "mine.log", "history.csv", "noted.jsonl", "record.json",
            "test_losses.npy", "weights.safetensors",
        }  # fmt: skip


@pytest.mark.usefixtures("fashion_mnist")
def test_fashion_mnist(swept, tmp_path):
    swept(
        *("regularizer=none", "data=fashion_mnist"),
        *("data.train_size=5000", "trainer.epochs=4", "model.hidden=[32]", "optimizer.lr=0.01"),
    )

    record = read(tmp_path / "here" / "0" / "record.json")
    assert (record.config["data.name"], record.status) == ("fashion_mnist", "completed")
    # What no classifier of digits reaches on clothes, nor one of clothes on digits.
    assert 0.75 < record.metrics["test_accuracy"] < 0.87


def test_interpolations_and_resolvers_of_the_users(swept, tmp_path):
    OmegaConf.register_resolver("tenth", lambda number: number / 1e4)
    try:
        [jobs] = swept(
            "regularizer=l1,l2",
            "optimizer.lr='${tenth:${data.train_size}}'",
            "seed=1,20",
            "data.split_seed='${seed}'",
        )
    finally:
        OmegaConf.clear_resolver("tenth")

    records = [read(tmp_path / "here" / str(number) / "record.json") for number in range(4)]
    assert [record.status for record in records] == ["completed"] * 4
    assert [record.config["optimizer.lr"] for record in records] == [0.02] * 4
    assert all("data.split_seed='${seed}'" in record.overrides for record in records)
    assert [record.config["data.split_seed"] for record in records] == [1, 20] * 2
    assert [job.return_value for job in jobs] == [r.metrics["val_loss"] for r in records]


def test_a_failure_keeps_its_traceback_and_stops_no_other(swept, tmp_path):
    with pytest.raises(RuntimeError, match="allocate") as caught:
        swept("regularizer=l1", "model.hidden=[99999999999],[4]", NOTING)

    [[failed, fine]] = caught.value.rounds
    assert (failed.status, fine.status) == (JobStatus.FAILED, JobStatus.COMPLETED)
    with pytest.raises(RuntimeError, match="allocate") as again:
        _ = failed.return_value
    lines = "".join(traceback.format_exception(again.value))
    assert "train_pack" in lines
    assert [said.get("status") for said in noted(tmp_path / "here" / "0")] == [None, "FAILED"]
    assert [said.get("status") for said in noted(tmp_path / "here" / "1")] == [None, "COMPLETED"]
    assert "train_pack" in read(tmp_path / "here" / "0" / "record.json").error
    assert [said["call"] for said in noted(tmp_path / "here")] == [
        "on_multirun_start", "on_multirun_end",
    ]  # fmt: skip


def test_hydras_own_keys_are_not_swept(swept, tmp_path):
    with pytest.raises(HydraException, match="Sweeping over Hydra's configuration is not supp"):
        swept("regularizer=l1", "hydra.verbose=true,false")
    assert not list(tmp_path.glob("here/*/record.json"))


def test_a_key_that_is_not_there_is_refused(swept, tmp_path):
    with pytest.raises(HydraException, match="boo"):
        swept("regularizer=l1,l2", "boo=bar")
    assert list(tmp_path.iterdir()) == []
