"""A study file as a user has it: real processes, however it is run and whoever trains."""

import hashlib
import json
from importlib.util import find_spec

import pytest
from command import python as run

from regsweep.cli.app import with_overrides
from regsweep.errors import InputError

STUDY = '''
"""Three classes that overlap, a network and a penalty."""
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn

import regsweep
from beside import ROWS


@regsweep.model(search={"width": "choice(4, 8)"})
def small(shape: tuple[int, ...], outputs: int, width: int = 8) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, outputs)
    )


@regsweep.data
def blobs(noise: float = 1.0, path: str | None = None) -> regsweep.Arrays:
    rows = ROWS if path is None else int(Path(path).read_text())
    print("reading", flush=True)
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, rows)
    return regsweep.Arrays(np.eye(3)[classes] + noise * rng.normal(size=(rows, 3)), classes)


@regsweep.regularizer(search={"weight": "tag(log, interval(1e-6, 1e-1))"})
def orthogonal(parameters: Mapping[str, Tensor], weight: float = 1e-3) -> Tensor:
    return weight * sum((w @ w.T).square().sum() for w in parameters.values())


if __name__ == "__main__":
    regsweep.main()
'''
OWN = ("data=blobs", "model=small")
QUICK = (*OWN, "trainer.epochs=1", "trainer.batch_size=32", "trainer.compile=false")
GRID = ("-m", "hydra/sweeper=basic", "regularizer=none,orthogonal", *QUICK)


@pytest.fixture
def place(tmp_path):
    """A package with a study in it, and a file beside that it imports."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / "study.py").write_text(STUDY)
    (package / "study.py").write_text(STUDY.replace("from beside", "from .beside"))
    (package / "beside.py").write_text("ROWS = 200\n")
    (tmp_path / "beside.py").write_text("ROWS = 200\n")
    return tmp_path


def records(folder):
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("record.json"))]


LAUNCHERS = {
    "pack": "hydra",
    "basic": "hydra",
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
    "ray": "hydra_plugins.hydra_ray_launcher",
}


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param(name, marks=pytest.mark.full)
        if name in ("ray", "submitit_local", "joblib")
        else name
        for name in LAUNCHERS
    ],
)
def test_workers_find_the_functions_under_every_launcher(place, launcher):
    if not find_spec(LAUNCHERS[launcher]):
        pytest.skip(f"needs {LAUNCHERS[launcher]}")
    (place / "elsewhere").mkdir()
    (place / "elsewhere" / "rows").write_text("150")

    done = run(
        "../study.py", *GRID, f"hydra/launcher={launcher}", "hydra.sweep.dir=here",
        "data.path=rows", "hydra.job.chdir=true", cwd=place / "elsewhere",
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    began = json.loads((place / "elsewhere" / "here" / "sweep.json").read_text())
    assert {part["train"] + part["validation"] + part["test"] for part in began["data"]} == {150}
    if launcher == "basic":  # all of it in one process, which reads the rows once
        assert done.stdout.count("reading") == 1
    found = records(place / "elsewhere" / "here")
    assert [record["status"] for record in found] == ["completed"] * 2
    assert [record["arm"] for record in found] == [
        {"regularizer": "none"}, {"regularizer": "orthogonal"},
    ]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize(
    "words", [("-m", "mine.study"), pytest.param(("my study.py",), marks=pytest.mark.full)]
)
def test_it_is_a_comparison_however_the_file_is_run(place, words):
    (place / "study.py").rename(place / "my study.py")

    done = run(
        *words, "-m", *QUICK, "regularizer=none,orthogonal", "hydra.sweeper.n_trials=2",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2", "hydra.sweep.dir=here", cwd=place,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert len(records(place / "here")) == 4 + 4
    file = "'my study.py'" if "my study.py" in words else " ".join(words)
    assert f"-W error {file} regularizer=" in done.stdout
    told = run("-m", "regsweep.report", "here", cwd=place)
    assert f"-W error {file} regularizer=" in told.stdout, told.stderr


def test_a_file_that_calls_main_whenever_it_is_imported_works_too(place):
    bare = STUDY.replace('if __name__ == "__main__":\n    regsweep', "regsweep")
    assert bare != STUDY
    (place / "study.py").write_text(bare)

    done = run("study.py", *GRID, "hydra.sweep.dir=here", cwd=place)

    assert done.returncode == 0, done.stderr
    assert len(records(place / "here")) == 2


def test_where_nothing_is_named_the_built_in_regularizers_are_compared(place):
    done = run(
        "study.py", "-m", "hydra/sweeper=basic", "hydra.launcher.workers=0", *QUICK,
        "hydra.sweep.dir=x", cwd=place,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    arms = [record["arm"]["regularizer"] for record in records(place / "x")]
    assert arms == ["none", "l1", "l2", "elastic", "weight_decay"]


def test_help_and_completion_know_its_choices_and_keys(place):
    told = run("study.py", "--help", *OWN, cwd=place)
    line = "python study.py model=small "
    asked = ("study.py", "-sc", "query=bash")
    keys = run(*asked, cwd=place, COMP_LINE=f"{line}model.wi")
    choices = run(*asked, cwd=place, COMP_LINE=f"{line}regularizer=ort")

    assert "model: cnn, linear, logistic, mlp, small" in told.stdout
    assert "  noise: 1.0\n" in told.stdout
    assert choices.stdout.split() == ["regularizer=orthogonal"]
    assert keys.stdout.split() == ["model.width="]


def test_a_yaml_gives_a_choice_other_values(place):
    for group, name, text in (("model", "wide", "name: small\nwidth: 64\n"),
                              ("data", "noisy", "name: blobs\nnoise: 9\n")):  # fmt: skip
        (place / "conf" / group).mkdir(parents=True)
        (place / "conf" / group / f"{name}.yaml").write_text(text)

    done = run(
        "study.py", "-m", "--config-dir=conf", *QUICK[2:], "model=wide", "data=noisy",
        "regularizer=orthogonal", "hydra.sweeper.n_trials=2", "hydra.sweeper.confirm_seeds=0",
        "hydra.launcher.workers=0", "hydra.sweep.dir=here", cwd=place,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    config = records(place / "here")[0]["config"]
    assert (config["model.name"], config["model.width"]) == ("small", 64)
    assert (config["data.name"], config["data.noise"]) == ("blobs", 9)
    train, validation, test = (
        json.loads((place / "here" / "sweep.json").read_text())["data"][0][part]
        for part in ("train", "validation", "test")
    )
    assert (train, validation, test) == (128, 32, 40)  # what is not said has its default
    alone = run("study.py", "--config-dir=conf", *QUICK[1:], "data=noisy", cwd=place)
    assert alone.returncode == 0, alone.stderr


def test_a_wrong_value_is_refused_before_anything_is_made(place):
    done = run("study.py", *QUICK, "model.width=wide", cwd=place)

    assert (done.returncode, done.stderr) == (
        1, "regsweep: model.width=wide: expected a whole number\n",
    )  # fmt: skip
    assert not (place / "outputs").exists()


def test_what_main_is_given_holds_where_the_command_line_is_silent():
    given = ("data=blobs", "trainer.epochs=3", "model=small")

    assert with_overrides(["-m", "++trainer.epochs=1", "model=mlp,small"], given) == [
        "-m", "++trainer.epochs=1", "model=mlp,small", "data=blobs",
    ]  # fmt: skip
    for wrong in ("data", None):
        with pytest.raises(
            InputError, match=r"^regsweep.main='?\w+'?: expected overrides of keys, "
        ):
            with_overrides([], (wrong,))


def test_what_is_no_file_is_no_study():
    code = "import regsweep; regsweep.data(type('x', (), {})); regsweep.main()"

    done = run("-c", code, cwd=".")

    assert (done.returncode, done.stderr) == (
        1,
        "regsweep: a study is a file, which a sweep's workers load too: write its functions into "
        "one, such as study.py\n",
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_sweep_goes_on_with_the_same_study_and_data_alone(place):
    sweep = (
        "study.py", "-m", *QUICK, "regularizer=none,orthogonal", "hydra.sweeper.n_trials=2",
        "hydra.sweeper.confirm_seeds=2",
        "hydra.sweeper.max_confirm_seeds=2", "hydra.launcher.workers=0", "hydra.sweep.dir=here",
    )  # fmt: skip
    assert run(*sweep, cwd=place).returncode == 0
    began = json.loads((place / "here" / "sweep.json").read_text())
    study, old = place / "study.py", sha256(place / "study.py")
    assert began["study"] == {"study.py": old}
    [rows] = {data["files"]["data=blobs"] for data in began["data"]}
    assert records(place / "here")[0]["environment"]["study"] == {"study.py": old}
    for record in (place / "here" / "confirm").rglob("record.json"):
        record.unlink()

    study.write_text(study.read_text() + "# A word.\n")
    refused = run(*sweep, cwd=place)

    how = (
        ". Put the old one back, take another hydra.sweep.dir, or go on all the same by "
        "hydra.sweeper.accept_changes=true\n"
    )
    assert (refused.returncode, refused.stderr) == (
        1,
        "regsweep: here: study.py is another file than when the sweep began: its SHA-256 was "
        f"{old} and is now {sha256(study)}{how}",
    )
    (place / "beside.py").write_text("ROWS = 201\n")
    study.write_text(STUDY)
    refused = run(*sweep, cwd=place)
    assert refused.returncode == 1
    said = "data=blobs gives other rows than when the sweep began: its SHA-256 was "
    assert refused.stderr.startswith(f"regsweep: here: {said}{rows} and is now ")
    assert refused.stderr.endswith(how)

    done = run(*sweep, "hydra.sweeper.accept_changes=true", cwd=place)

    assert done.returncode == 0, done.stderr
    assert f"{said}{rows} and is now " in done.stdout
    assert len(records(place / "here")) == 4 + 4


@pytest.mark.full
def test_configs_name_what_a_study_trusts_by_its_module(place):
    own = """
class Said(Callback):
    def on_job_end(self, config, job_return, **kwargs):
        print("said of", config.regularizer.name, flush=True)


if __name__ == "__main__":
    regsweep.main(*("data=blobs", "model=small"), trust=["study.*"])
"""
    text = STUDY.partition("if __name__")[0] + own
    (place / "study.py").write_text(
        text.replace(
            "import regsweep", "from hydra.experimental.callback import Callback\nimport regsweep"
        )
    )

    done = run(
        "study.py", *GRID, "+hydra.callbacks.mine._target_=study.Said", "hydra.sweep.dir=here",
        cwd=place,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "said of orthogonal" in done.stdout


def test_a_study_that_changes_under_a_sweep_stops_it(place):
    # Read by the process that leads the sweep, before workers load the file.
    changing = STUDY.replace("    rng =", "    Path(__file__).write_text('#')\n    rng =").replace(
        "'#'", "Path(__file__).read_text() + '#'"
    )
    (place / "study.py").write_text(changing)

    done = run("study.py", *GRID, "hydra.sweep.dir=here", cwd=place)

    assert done.returncode == 1
    assert "study.py is another file than when the sweep began: its SHA-256 was " in done.stderr
    assert "; put the old one back" in done.stderr
