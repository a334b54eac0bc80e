"""The command line as a user has it: real processes on real MNIST."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from command import command, only_folder
from hydra import compose, initialize_config_dir
from safetensors.torch import load_file

from regsweep.cli.app import CONF, DEFAULT_ARMS, for_the_arms, with_default_arms
from regsweep.cli.nodes import register_nodes
from regsweep.data.dataset import scale
from regsweep.records.folder import hold
from regsweep.records.record import metrics_of, read
from regsweep.records.task import ACCURACY
from regsweep.settings.model import MLP
from regsweep.settings.regularizer import REGULARIZERS
from regsweep.sweep.processor import processor
from regsweep.training.network import build_network


def csv_rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


QUICK = ("trainer.epochs=1", "data.train_size=2000")
STOCK = "hydra/sweeper=optuna"
# One worker, which is one less to start: the results are the same.
GRID = ("-m", "hydra/sweeper=basic", "hydra.launcher.workers=1")


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The folder of a stock search of all five regularizers, and what it said."""
    here = tmp_path_factory.mktemp("searched")
    done = command(
        "-m",
        STOCK,
        "hydra.sweeper.n_trials=8",
        "seed=3",
        "hydra.launcher.workers=2",
        *QUICK,
        cwd=here,
    )
    assert done.returncode == 0, done.stderr
    return only_folder(here / "multirun"), done.stdout


@pytest.mark.parametrize(
    ("arguments", "added"),
    [
        (["-m"], True),
        (["--multirun", "seed=1"], True),
        (["hydra.mode=MULTIRUN"], True),
        (["-m", "regularizer.weight=1"], True),
        (["-m", "regularizer=l1"], False),
        (["-m", "+experiment=article_l1"], False),
        (["-m", "++hydra.sweeper.params={regularizer: 'l1,l2'}"], False),
        (["-m", "+hydra.sweeper.params={optimizer.lr: '1,2'}"], True),
        (["seed=1"], False),
    ],
)
def test_a_sweep_compares_all_five_unless_told_otherwise(arguments, added):
    assert with_default_arms(arguments) == [*arguments, *([DEFAULT_ARMS] if added else [])]


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (
            ["-m", "regularizer=none,l1", "regularizer.weight=1e-3"],
            "regularizer.weight=choice(1e-3)",
        ),
        (["-m", "model=mlp,cnn", "model.hidden=[8,4]"], "model.hidden=choice([8,4])"),
        (["-m", "model=mlp,cnn", "model.hidden=null"], "model.hidden=choice([null])"),
        (["-m", "experiment=a,b", "optimizer.lr=1"], "optimizer.lr=choice(1)"),
        (["-m", "regularizer=none,l1", "optimizer.lr=1"], "optimizer.lr=1"),
        (["-m", "regularizer=none,l1", "regularizer.weight=1,2"], "regularizer.weight=1,2"),
        (["-m", "regularizer=l1", "regularizer.weight=1"], "regularizer.weight=1"),
        (["regularizer=none,l1", "regularizer.weight=1"], "regularizer.weight=1"),
        (["-m", "regularizer=none,l1", "regularizer.weight=("], "regularizer.weight=("),
    ],
)
def test_keys_of_swept_groups_are_kept_for_the_arms(arguments, kept):
    assert for_the_arms(arguments) == [*arguments[:-1], kept]
    assert for_the_arms(for_the_arms(arguments)) == for_the_arms(arguments)


def test_a_config_may_ask_for_the_sweep(tmp_path):
    (tmp_path / "mine").mkdir()
    own = "defaults: [config, _self_]\nhydra: {mode: MULTIRUN}\n"
    (tmp_path / "mine" / "study.yaml").write_text(own)
    named = ("--config-dir", "mine", "--config-name", "study")
    done = command(*named, "regularizer.wight=1", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        "regsweep: regularizer.wight=1: no arm has this key; did you mean weight? "
        "known: decoupled, exact, l1_ratio, lr_scaled, scope, weight\n"
    )


def test_help_names_the_groups_and_loads_no_torch(tmp_path):
    code = "import sys; sys.argv = ['regsweep', '--help']\n" + (
        "from regsweep.cli.app import main\n"
        "try: main()\n"
        "finally: assert not {'torch', 'optuna', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
    )

    assert f"regularizer: {', '.join(sorted(REGULARIZERS))}" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_one_run(tmp_path, mnist):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(f"{'a1' * 20}\n")
    before = datetime.now(UTC)
    done = command("regularizer=l1", "regularizer.weight=1e-4", *QUICK, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    folder = only_folder(tmp_path / "outputs")
    assert {path.name for path in folder.iterdir()} == {
        ".hydra", ".claim",
        "regsweep.log", "history.csv", "weights.safetensors", "test_losses.npy",
        "record.json",
    }  # fmt: skip
    record = read(folder / "record.json")
    assert (record.stage, record.trial, record.status) == ("single", None, "completed")
    assert record.arm == {"regularizer": "l1"}
    assert record.config["regularizer.weight"] == 1e-4
    assert before < datetime.fromisoformat(record.started) < datetime.now(UTC)
    assert (record.git, record.schema) == ("a1" * 20, 3)
    assert tuple(record.metrics) == metrics_of([ACCURACY])
    network = build_network(MLP((64, 32)), (28, 28), 10)
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    with torch.no_grad():
        predicted = network(scale(mnist.test.inputs)).argmax(1)
    accuracy = (predicted == mnist.test.targets).double().mean().item()
    assert accuracy == pytest.approx(record.metrics["test_accuracy"], abs=2e-4)
    assert f"{record.metrics['test_accuracy']:.2%}" in done.stdout
    history = csv_rows(folder / "history.csv")
    assert float(history[-1]["val_loss"]) == record.metrics["val_loss"]


def test_a_folder_with_a_record_is_never_written_over(tmp_path):
    first = command("hydra.run.dir=here", *QUICK, cwd=tmp_path)
    before = (tmp_path / "here" / "record.json").read_bytes()

    second = command("hydra.run.dir=here", "seed=1", *QUICK, cwd=tmp_path)
    sweep = command("-m", "hydra.sweep.dir=here", *QUICK, cwd=tmp_path)

    assert first.returncode == 0
    for refused in (second, sweep):
        assert refused.returncode == 1
        assert refused.stderr == (
            "regsweep: here: the folder already holds a record; choose another\n"
        )
    assert (tmp_path / "here" / "record.json").read_bytes() == before


@pytest.mark.parametrize(
    ("key", "mode"),
    [("hydra.run.dir", ()), ("hydra.sweep.dir", ("-m", "hydra/sweeper=basic", "seed=1,2"))],
    ids=["run", "sweep"],
)
def test_a_folder_in_which_another_process_works_is_refused(tmp_path, key, mode):
    with hold(key, tmp_path / "here"):
        before = {path.name for path in (tmp_path / "here").iterdir()}
        done = command(*mode, f"{key}=here", *QUICK, cwd=tmp_path)

    assert done.returncode == 1
    who, since, rest = re.split(r" \(since (.*?)\) ", done.stderr)
    assert who == f"regsweep: {key}=here: pid {os.getpid()} on {socket.gethostname()}"
    assert datetime.strptime(since, "%Y-%m-%d %H:%M:%S UTC")
    assert rest == "is at work in this folder; wait for it, or take another\n"
    assert {path.name for path in (tmp_path / "here").iterdir()} == before


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "history.csv").symlink_to(tmp_path / "mine.csv")

    done = command("hydra.run.dir=here", *QUICK, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("regsweep: here/history.csv: a symbolic link, ")
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["history.csv"]


def test_of_two_commands_on_one_folder_one_works(tmp_path):
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "regsweep", "hydra.run.dir=here", f"seed={seed}", *QUICK],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    said = [process.communicate(timeout=300)[1] for process in commands]

    [winner] = [i for i, process in enumerate(commands) if process.returncode == 0]
    assert commands[1 - winner].returncode == 1
    assert said[winner] == ""
    assert re.fullmatch(
        r"regsweep: hydra\.run\.dir=here: .* is at work in this folder; wait for it, .*\n"
        r"|regsweep: here: the folder already holds a record; choose another\n",
        said[1 - winner],
    )
    record = read(tmp_path / "here" / "record.json")
    assert record.seed == winner + 1
    assert f"seed={winner + 1}" in (tmp_path / "here" / ".hydra" / "overrides.yaml").read_text()
    history = csv_rows(tmp_path / "here" / "history.csv")
    assert float(history[-1]["val_loss"]) == record.metrics["val_loss"]


def test_an_experiment_prints_its_loss_every_500_batches(tmp_path):
    done = command(
        "experiment=article_elastic", "trainer.epochs=1", "data.train_size=10000", cwd=tmp_path
    )

    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if "batch" in line]
    assert [line.split()[3] for line in lines] == ["500", "1000"]
    assert all("L1 penalty" in line and "L2 penalty" in line for line in lines)


def test_a_stock_search_searches_each_choice_over_its_own_keys(searched, tmp_path):
    sweep, said = searched
    records = {path.parent.name: read(path) for path in sweep.glob("*/record.json")}
    assert sorted(records, key=int) == [str(i) for i in range(8)]
    keys = {
        "none": set(),
        "l1": {"regularizer.weight"},
        "l2": {"regularizer.weight"},
        "elastic": {"regularizer.weight", "regularizer.l1_ratio"},
        "weight_decay": {"regularizer.weight"},
    }
    for name, record in records.items():
        assert record.stage == "search"
        assert record.trial == int(name)
        assert record.params.keys() == keys[record.arm["regularizer"]]
        assert not {"test_loss", "test_accuracy"} & record.metrics.keys()
        assert not (sweep / name / "weights.safetensors").exists()
    rows = csv_rows(sweep / "runs.csv")
    assert len(rows) == 8
    for row in rows:
        record = records[row["run"]]
        assert row["arm"] == f"regularizer={record.arm['regularizer']}"
        assert {k: float(row[k]) for k in record.metrics} == record.metrics
        assert {k: float(row[k]) for k in record.params} == record.params
    arms = csv_rows(sweep / "comparison.csv")
    for row in arms:
        losses = [
            r.metrics["val_loss"]
            for r in records.values()
            if f"regularizer={r.arm['regularizer']}" == row["arm"]
        ]
        assert (int(row["trials"]), float(row["val_loss"])) == (len(losses), min(losses))
    assert "ranks no arms" in said

    again = command(str(sweep), "--out", "out", cwd=tmp_path, module="regsweep.report")
    assert (again.returncode, again.stderr) == (0, "")
    for name in ("runs.csv", "comparison.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (sweep / name).read_bytes()


# Each with the plugin that brings it, and its module; and packs without workers.
LAUNCHERS = {
    "in_process": ("hydra-core", "hydra"),
    "basic": ("hydra-core", "hydra"),
    "joblib": ("hydra-joblib-launcher", "hydra_plugins.hydra_joblib_launcher"),
    "submitit_local": ("hydra-submitit-launcher", "hydra_plugins.hydra_submitit_launcher"),
    "ray": ("hydra-ray-launcher", "hydra_plugins.hydra_ray_launcher"),
}
WEIGHTS = (1e-5, 1e-3)


def grid(folder, launcher, compiled):
    """The folder of a grid of four runs."""
    done = command(
        *("-m", "hydra/sweeper=basic", "regularizer=l1,l2"),
        f"regularizer.weight={','.join(map(str, WEIGHTS))}",
        "hydra.launcher.workers=0" if launcher == "in_process" else f"hydra/launcher={launcher}",
        f"hydra.sweep.dir={launcher}",
        f"trainer.compile={compiled}",
        *QUICK,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder / launcher


CASES = [
    pytest.param(
        compiled,
        launcher,
        id=f"{launcher}-{'compiled' if compiled else 'eager'}",
        # Ray and submitit start their processes as joblib does.
        marks=[pytest.mark.full] if launcher in ("ray", "submitit_local") or compiled else [],
    )
    for compiled in (False, True)
    for launcher in LAUNCHERS
]


@pytest.fixture(scope="module")
def packed(request, tmp_path_factory):
    """A grid in packs, and whether it was compiled."""
    return grid(tmp_path_factory.mktemp("packed"), "pack", request.param), request.param


@pytest.mark.parametrize(("packed", "launcher"), CASES, indirect=["packed"])
def test_a_grid_is_the_same_under_every_launcher(tmp_path, packed, launcher):
    package, module = LAUNCHERS[launcher]
    if not find_spec(module):
        pytest.skip(f"needs {package}")
    ours, compiled = packed

    theirs = grid(tmp_path, launcher, compiled)

    records = [
        [read(folder / f"{n}" / "record.json") for n in range(4)] for folder in (ours, theirs)
    ]
    for one, other in zip(*records, strict=True):
        assert (one.stage, one.trial) == ("single", int(one.run))
        apart = {"seconds": 0.0, "started": None}
        assert replace(one, **apart) == replace(other, **apart)
        for name in ("history.csv", "weights.safetensors", ".hydra/overrides.yaml"):
            assert (ours / one.run / name).read_bytes() == (theirs / one.run / name).read_bytes()
    assert [(r.arm["regularizer"], r.params["regularizer.weight"]) for r in records[0]] == [
        (choice, weight) for choice in ("l1", "l2") for weight in WEIGHTS
    ]


def test_a_failing_job_leaves_its_traceback_in_its_record(tmp_path):
    done = command(
        *GRID,
        "regularizer=none",
        "model.hidden=[8],[99999999999]",
        *QUICK,
        cwd=tmp_path,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    sweep = only_folder(tmp_path / "multirun")
    fine, failed = (read(sweep / number / "record.json") for number in "01")
    assert (fine.status, fine.error) == ("completed", None)
    assert (failed.status, failed.metrics) == ("failed", {})
    assert "Traceback (most recent call last)" in failed.error
    assert "allocate memory" in failed.error
    assert [row["status"] for row in csv_rows(sweep / "runs.csv")] == ["completed", "failed"]


def test_samplers_have_the_defaults_of_optuna():
    register_nodes()
    with initialize_config_dir(str(CONF)):
        config = compose("config", [STOCK, "seed=7"], return_hydra_config=True)
    sampler = config.hydra.sweeper.sampler

    assert sampler._target_ == "optuna.samplers.TPESampler"
    assert (sampler.multivariate, sampler.constant_liar, sampler.seed) == (True, True, 7)


def test_folders_are_named_to_a_fraction_of_a_second():
    register_nodes()
    with initialize_config_dir(str(CONF)):
        config = compose("config", return_hydra_config=True)

    for folder in (config.hydra.run.dir, config.hydra.sweep.dir):
        assert re.fullmatch(r"(outputs|multirun)/\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d\.\d{6}", folder)


REFUSED = {
    ("regularizer=l3",): "regularizer=l3: no such choice; ",
    ("regularizer.weight=1",): "regularizer.weight: no such key of regularizer=none; ",
    ("regularizer=l1", "regularizer.weight=-1"): "regularizer.weight=-1.0: expected ",
    ("trainer.batch_size=60000",): "trainer.batch_size=60000: expected at most ",
    ("trainer.device=cuda:99",): "trainer.device=cuda:99: expected auto or cpu: ",
    ("data.root=/dev/null/x",): "data.root=/dev/null/x: expected a folder that can be written",
    ("+extra=1",): "extra: no such key; ",
    ("hydra.run.dir=/dev/null/x",): "hydra.run.dir=/dev/null/x: expected a folder that can be",
    ("-m", "hydra.sweep.dir="): "hydra.sweep.dir=: expected the name of a folder",
    ("-m", "hydra/sweeper=basic", "seed=1,2", "hydra.sweep.subdir=../${hydra.job.num}"): (
        "hydra.sweep.subdir=../0: expected a folder below hydra.sweep.dir"
    ),
    ("-m", "data.validation_size=0"): "data.validation_size=0: expected above 0 in a search",
    ("-m", "regularizer=l1,l3"): "regularizer=l3: no such choice; ",
    ("-m", STOCK, "regularizer=none,l1", "regularizer.weight=1,2"): (
        "regularizer.weight: no such key of regularizer=none; "
    ),
    ("-m", "regularizer=l1", "regularizer.weight=interval(-1,1)"): "regularizer.weight=-1.0: ",
    ("-m", "hydra/sweeper=basic", "regularizer=l1", "regularizer.weight=1,-1"): (
        "regularizer.weight=-1.0: expected "
    ),
    ("-m", "optimizer.lr=1e-3,0"): "optimizer.lr=0.0: expected ",
    ("-m", "model.hidden=[64],[0]"): "model.hidden=[0]: expected ",
    ("-m", "hydra.sweeper.n_trails=3"): "hydra.sweeper.n_trails: no such key; did you mean n_tri",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_bad_input_is_refused_before_anything_is_made(tmp_path, arguments):
    done = command(*arguments, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"regsweep: {REFUSED[arguments]}")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


# A shell that runs the tests in the background has its children ignore SIGINT.
def heed_interrupts():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("sweep", [(), ("-m", "regularizer=l1,l2")], ids=["run", "sweep"])
def test_a_signal_ends_it_without_a_traceback(tmp_path, sweep, sent, code):
    process = subprocess.Popen(
        [
            sys.executable, "-m", "regsweep", *sweep,
            "hydra/sweeper=basic", "trainer.epochs=1000", "trainer.compile=false",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
        start_new_session=True,
    )  # fmt: skip
    try:
        started = "training 2 runs" if sweep else "epoch   1/1000"
        assert any(started in line for line in process.stdout)
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)  # as a terminal does: the command and its workers
        else:
            process.send_signal(sent)
        # The pipes end when the last worker has ended.
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()

    said = {130: "regsweep: interrupted\n", 143: "regsweep: terminated\n"}[code]
    assert (errors, process.returncode) == (said, code)
    assert list(tmp_path.glob("**/record.json")) == []


def processes_below(pid):
    """The processes that ``pid`` has started, and those that they have."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [
        below for child in children for below in processes_below(child)
    ]


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # ended, and not yet waited for


# Workers that are starting, and workers that train.
@pytest.mark.parametrize("after", [0.5, 6])
def test_workers_end_with_a_command_that_is_killed(tmp_path, after):
    process = subprocess.Popen(
        [
            sys.executable, "-m", "regsweep", "-m", "regularizer=l1,l2",
            "hydra/sweeper=basic", "trainer.epochs=1000", "trainer.compile=false",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert any("training 2 runs" in line for line in process.stdout)
    time.sleep(after)
    below = processes_below(process.pid)
    assert below

    process.kill()

    # The pipe ends when the last worker has ended.
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 30
    while any(map(is_running, below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, below))


def test_sweep_json_says_what_was_asked(searched):
    asked = json.loads((searched[0] / "sweep.json").read_text())

    assert [arm["regularizer"] for arm in asked["arms"]] == [
        "none", "l1", "l2", "elastic", "weight_decay",
    ]  # fmt: skip
    assert asked["searched"] == ["regularizer.weight", "regularizer.l1_ratio"]
    assert (asked["objective"], asked["seed"], asked["sweeper"]) == ("val_loss", 3, "optuna")
    assert asked["settled"] == {
        "device": "cpu", "mode": "eager", "threads": 1, "matmul_precision": "highest",
        "pack_width": 4, "packed": {}, "alone": {}, "processor": processor(),
    }  # fmt: skip
