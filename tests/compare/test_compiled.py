"""A sweep of configs of the user's own, eager and compiled: repeated, and gone on with."""

import csv
import shlex

import pytest
from command import command

from regsweep.records.record import read
from regsweep.training.compiled import lacking
from tests.training.test_pack import CPU

needs_compiler = pytest.mark.skipif(
    lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)

OWN = "# @package _global_\nmodel: {hidden: [4]}\ntrainer: {batch_size: 1}\n"
# 105,000 steps in 7 runs, and few.
MANY, FEW = "trainer.epochs=30", "trainer.epochs=1"
SWEEP = (
    "-m", "--config-dir=own", "experiment=mine", "regularizer=none,l1", "hydra.sweep.dir=here",
    "data.train_size=500", "data.validation_size=500", "hydra.launcher.workers=1",
    "hydra.sweeper.confirm_seeds=2", "hydra.sweeper.max_confirm_seeds=2",
)  # fmt: skip


def swept(here, epochs):
    """What such a sweep said."""
    (here / "own" / "experiment").mkdir(parents=True)
    (here / "own" / "experiment" / "mine.yaml").write_text(OWN)
    done = command(*SWEEP, epochs, "hydra.sweeper.n_trials=2", cwd=here)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def assert_repeated(here, said, elsewhere):
    """The command that is shown trains the first confirm run of its arm again, to the last bit."""
    [line] = [line for line in said.splitlines() if line.startswith("to train ")]
    command_shown = line.partition("again: ")[2]
    rows = csv.DictReader((here / "here" / "comparison.csv").read_text().splitlines())
    [row] = [row for row in rows if line.startswith(f"to train {row['arm']} again: ")]
    _, _, overrides = command_shown.partition(" -m regsweep ")
    assert overrides == f"{row['best_overrides']} seed=10000"

    again = command(*shlex.split(overrides), "hydra.run.dir=again", cwd=elsewhere)

    assert again.returncode == 0, again.stderr
    alone = read(elsewhere / "again" / "record.json")
    [confirmed] = (here / "here" / "confirm" / row["arm"]).glob("*-10000/record.json")
    assert alone.metrics == read(confirmed).metrics


@pytest.mark.full
def test_what_is_shown_repeats_an_eager_sweep_of_own_configs(tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    said = swept(tmp_path, FEW)

    assert_repeated(tmp_path, said, elsewhere)


@pytest.mark.full
@needs_compiler
def test_what_is_shown_repeats_a_compiled_sweep(tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    said = swept(tmp_path, MANY)
    assert "on cpu, compiled: 105,000 steps repay it" in said

    assert_repeated(tmp_path, said, elsewhere)


@pytest.mark.full
@needs_compiler
def test_a_compiled_sweep_goes_on_only_where_it_can_be_compiled(tmp_path):
    asked = (
        *("-m", "regularizer=l1", "hydra.sweep.dir=here", "hydra.launcher.workers=1"),
        *("data.train_size=500", "data.validation_size=500", "model=logistic", "trainer.epochs=1"),
        *("trainer.compile=true", "hydra.sweeper.n_jobs=1", "hydra.sweeper.confirm_seeds=0"),
    )
    begun = command(*asked, "hydra.sweeper.n_trials=1", cwd=tmp_path)
    assert begun.returncode == 0, begun.stderr
    first = begun.stdout.splitlines()[0]
    assert first.endswith("compiling a step, and trying it against the eager one")

    refused = command(*asked, "hydra.sweeper.n_trials=2", cwd=tmp_path, TORCHDYNAMO_DISABLE="1")

    assert refused.returncode == 1
    assert refused.stderr == (
        "regsweep: here: its runs are compiled, and here they cannot be: torch.compile fails: "
        "it is switched off (TORCHDYNAMO_DISABLE, TORCH_COMPILE_DISABLE). "
        "Go on where they can, or take another hydra.sweep.dir\n"
    )
    assert len(list(tmp_path.rglob("record.json"))) == 1
