"""What configs may run: files of experiments as somebody else might write them."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from command import command
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from optuna.samplers import CmaEsSampler

import regsweep
from regsweep.errors import InputError
from regsweep.sweep.trust import EXECUTION_WHITELIST, SAMPLERS, read_trust, refuse_untrusted

QUICK = (
    *("trainer.epochs=1", "data.train_size=500", "data.validation_size=500"),
    *(
        "hydra.launcher.workers=1",
        "hydra.sweeper.n_trials=1",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2",
    ),
)
UNPICKLE = "optuna.samplers.CmaEsSampler._restore_optimizer"


class Payload:
    """Unpickled, it runs a command."""

    def __reduce__(self):
        return os.system, ("touch pwned",)


def unpickling():
    """A config node that has Optuna unpickle the payload."""
    sampler = {"_target_": "optuna.samplers.CmaEsSampler"}
    stored = {f"{CmaEsSampler()._attr_key_optimizer}:0": pickle.dumps(Payload()).hex()}
    return {"_target_": UNPICKLE, "_args_": [sampler, [{"system_attrs": stored}]]}


ARGUMENT = {"_target_": "optuna.samplers.TPESampler", "constraints_func": unpickling()}
ATTACKS = {
    ("experiment=evil",): (
        "hydra.callbacks.evil._target_",
        {"callbacks": {"evil": unpickling()}},
    ),
    # The plugin's own whitelist is wider than ours.
    ("-m", "hydra/sweeper=optuna", "experiment=evil"): (
        "hydra.sweeper.sampler.constraints_func._target_",
        {"sweeper": {"sampler": ARGUMENT}},
    ),
}


@pytest.mark.parametrize("arguments", ATTACKS, ids=" ".join)
def test_an_experiment_cannot_have_anything_unpickled(tmp_path, arguments):
    key, hydra = ATTACKS[arguments]
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "evil.yaml").write_text(f"# @package _global_\nhydra: {json.dumps(hydra)}\n")

    done = command("--config-dir", "mine", *arguments, *QUICK[:3], cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr == (
        f"regsweep: {key}={UNPICKLE}: a config may not run it. Where you trust it, start the "
        "command from a Python file of yours that calls "
        f'regsweep.main(trust=["{UNPICKLE}"])\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_class_that_starts_a_cluster_is_for_the_user_to_trust():
    name = "dask_jobqueue.SLURMCluster"
    launcher = {"cluster": {"_target_": name, "cores": 8}}
    said = (
        rf'hydra.launcher.cluster._target_={name}: a config may .* regsweep.main\(trust=\["{name}"'
    )

    with pytest.raises(InputError, match=said):
        refuse_untrusted({"launcher": launcher}, EXECUTION_WHITELIST)
    refuse_untrusted({"launcher": launcher}, (*EXECUTION_WHITELIST, name))


@pytest.mark.parametrize("whitelist", [EXECUTION_WHITELIST, SAMPLERS])
@pytest.mark.parametrize("target", [UNPICKLE, "optuna.samplers._cmaes.pickle.loads", "os.system"])
def test_what_is_listed_covers_nothing_below(whitelist, target):
    assert not any("*" in name for name in whitelist)

    with pytest.raises(InstantiationException, match="whitelist"):
        instantiate({"_target_": target}, _execution_whitelist_=whitelist)


def test_every_name_on_the_list_is_there():
    for name in EXECUTION_WHITELIST:
        config = {"_target_": name, "_partial_": True}
        assert callable(instantiate(config, _execution_whitelist_=EXECUTION_WHITELIST))


STUDY = """
import logging
from pathlib import Path

import regsweep
from hydra.experimental.callback import Callback


class Notes(Callback):
    def on_job_end(self, config, job_return, **kwargs):
        Path(config.hydra.runtime.output_dir, "note.txt").write_text(job_return.status.name)


class Shouting(logging.FileHandler):
    def emit(self, record):
        said = {"msg": record.getMessage().upper(), "args": ()}
        super().emit(logging.makeLogRecord(vars(record) | said))


if __name__ == "__main__":
    regsweep.main(%s)
"""
NOTES = "+hydra.callbacks.notes._target_=study.Notes"
SHOUTING = "hydra.job_logging.handlers.file.class=study.Shouting"


def study(*arguments, cwd, call):
    """What a file of the user's, in another folder than ``cwd``, does with ``arguments``."""
    code = cwd / "code"
    code.mkdir(exist_ok=True)
    (code / "study.py").write_text(STUDY % call)
    return subprocess.run(
        [sys.executable, "-W", "error", "code/study.py", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("sweep", [(), ("-m", "regularizer=none,l1")], ids=["run", "sweep"])
def test_what_a_study_file_trusts_runs_there_and_in_workers(tmp_path, sweep):
    asked = (*sweep, NOTES, SHOUTING, *(QUICK if sweep else QUICK[:3]))
    done = study(*asked, cwd=tmp_path, call='trust=["study.*"]')

    assert done.returncode == 0, done.stderr
    records = [*tmp_path.rglob("record.json")]
    assert len(records) == (6 if sweep else 1)
    for record in records:
        assert record.with_name("note.txt").read_text() == "COMPLETED"
        assert "COMPLETED: TRAIN LOSS" in record.with_name("regsweep.log").read_text()
    if sweep:
        [line] = [line for line in done.stdout.splitlines() if line.startswith("to train ")]
        assert " -W error code/study.py regularizer=" in line


@pytest.mark.parametrize("asked", [(NOTES,), ("-m", SHOUTING)], ids=" ".join)
def test_without_its_word_it_is_refused(tmp_path, asked):
    done = study(*asked, cwd=tmp_path, call='trust=["study.Other"]')

    key, _, name = asked[-1].lstrip("+").partition("=")
    assert done.returncode == 1
    assert done.stderr == (
        f"regsweep: {key}={name}: a config may not run it. Where you trust it, start the command "
        f'from a Python file of yours that calls regsweep.main(trust=["{name}"])\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["code"]


def test_a_file_that_calls_main_on_import_is_told_so(tmp_path):
    (tmp_path / "study.py").write_text('import regsweep\nregsweep.main(trust=["study.*"])\n')
    done = command(NOTES, cwd=tmp_path, module="study")

    assert done.returncode == 1
    assert done.stderr == (
        "regsweep: regsweep.main() was called by a file that was only imported; "
        'put the call behind: if __name__ == "__main__":\n'
    )


EXPECTED = 'expected a list of names, each of a class or of all in a module, such as ["mine.*"]'


@pytest.mark.parametrize("trust", ["mine.*", None, 3, ["*"], [".*"], ["a.*.b"], ["a*"], [""], [3]])
def test_trust_is_a_list_of_names(trust):
    with pytest.raises(InputError) as caught:
        read_trust(trust)
    assert str(caught.value) == f"trust={trust!r}: {EXPECTED}"


def test_a_file_is_not_trusted_as_main():
    with pytest.raises(InputError, match=r"such as \[\"study\.\*\"\] for study\.py"):
        read_trust(["__main__.Notes"])


def test_a_wrong_trust_ends_the_command(tmp_path):
    done = study("--help", cwd=tmp_path, call='trust=["*"]')

    assert (done.returncode, done.stderr) == (1, f"regsweep: trust=['*']: {EXPECTED}\n")


def test_the_version_is_regsweeps(tmp_path):
    done = command("--version", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, f"regsweep {regsweep.__version__}\n")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = regsweep.nothing


def test_the_package_is_light():
    code = "import regsweep, sys; print({'torch', 'hydra', 'importlib.metadata'} & {*sys.modules})"
    root = Path(regsweep.__file__).parent.parent
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=root, capture_output=True)

    assert (done.stdout, done.stderr) == (b"set()\n", b"")
