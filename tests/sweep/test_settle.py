import re
from dataclasses import replace

import pytest
import torch
from composed import checked_sweep

from regsweep.errors import InputError
from regsweep.packs.engines.choice import LOCAL, runner_of
from regsweep.settings.data import ScikitLearn
from regsweep.settings.model import CNN, MLP, Linear
from regsweep.settings.run import fusible
from regsweep.sweep.packing import Packing
from regsweep.sweep.settle import REPAID_STEPS, in_packs, mode_of, one_by_one, settle
from regsweep.training import compiled, packable
from regsweep.training.packable import NotPackable
from tests.training.test_pack import CPU, make_run

AUTO = Packing(None, None)
# Data of 300 images: 30 steps of 10 an epoch.
STEPS = 30


@pytest.mark.full
def test_compiled_where_the_steps_asked_for_repay_it():
    run = make_run(epochs=1)

    few, why_not = settle([run], jobs=REPAID_STEPS // STEPS)
    many, why = settle([run], jobs=REPAID_STEPS // STEPS + 1)

    assert (few.mode, why_not) == (
        "eager",
        "cpu, eager: 99,990 steps do not repay compiling (100,000 do)",
    )
    assert (many.mode, why) == ("compiled", "cpu, compiled: 100,020 steps repay it")
    assert (many.device, many.threads, many.matmul_precision) == ("cpu", 1, "highest")


def test_each_kind_of_run_has_to_repay_its_own_compiling():
    short, long = make_run(epochs=1), make_run(epochs=9)

    _, why = settle([short, long], jobs=100)

    assert f"eager: {50 * 5 * STEPS:,} steps of a kind do not repay compiling" in why


@pytest.mark.parametrize(
    ("swept", "kinds"),
    [
        (["trainer.batch_size=64,128"], 2),
        (["trainer.batch_size=int(interval(16,512))"], 497),
        (["trainer.batch_size=tag(log,int(interval(16,512)))", "model.hidden=[8],[16]"], 2 * 497),
        (["optimizer.lr=interval(1e-4,1e-2)", "optimizer=adam,sgd"], 2),
    ],
    ids=str,
)
def test_what_is_to_be_compiled_is_counted_once_for_all_arms(swept, kinds):
    _, sweep = checked_sweep("regularizer=none,l1,elastic", *swept)

    assert len(set(map(fusible, sweep.runs))) + sweep.unlisted == kinds


def test_a_batch_size_that_is_searched_whole_number_by_whole_number_goes_eager():
    _, sweep = checked_sweep("regularizer=none,l1", "trainer.batch_size=int(interval(16,512))")

    settled, why = settle(sweep.runs, jobs=2000, unlisted=sweep.unlisted)

    assert settled.mode == "eager"
    # The mean of the ends: 10 epochs of 3,125 and 97 batches, 2,000 jobs dealt over 497 kinds.
    assert why == "cpu, eager: 64,829 steps of a kind do not repay compiling (100,000 do)"


def test_of_an_unknown_number_of_jobs_the_packs_are_wide():
    settled, _ = settle([make_run()], jobs=None, together=None, packing=AUTO)

    assert (settled.mode, settled.pack_width) == ("eager", 16)


def test_what_the_config_says_goes_before():
    yes, no, auto = (make_run(compile=value) for value in (True, False, "auto"))

    assert settle([no], jobs=10**9)[0].mode == "eager"
    settled, _ = settle([auto])
    assert [mode_of(run, settled) for run in (yes, no, auto)] == ["compiled", "eager", "eager"]


@pytest.mark.full
def test_what_is_to_be_compiled_is_compiled_however_short_it_is():
    assert settle([make_run(compile=True)])[0].mode == "compiled"


def test_without_a_compiler_auto_is_eager_and_true_is_refused(monkeypatch):
    monkeypatch.setattr(compiled, "lacking", lambda device: "needs a C++ compiler")

    settled, why = settle([make_run()], jobs=10**9)

    assert settled.mode == "eager"
    assert "C++ compiler" in why
    with pytest.raises(InputError, match=r"trainer.compile=true: expected auto or false: .*C\+\+"):
        settle([make_run(compile=True)])


@pytest.mark.parametrize(
    ("variable", "value", "there"),
    [
        ("CXX", "", False),
        ("CXX", "   ", False),
        ("CXX", '"', False),
        ("CXX", "c++ -pipe", True),
        ("CXX", "/nowhere/c++", False),
        ("PATH", "/nowhere", False),
    ],
)
def test_a_compiler_that_is_not_there_is_noticed(variable, value, there, monkeypatch):
    monkeypatch.setenv(variable, value)

    assert (compiled.lacking(torch.device("cpu")) is None) == there


@pytest.fixture
def fresh_workers():
    """Workers that see the variables of a test, and none that do behind it."""
    LOCAL.kill()
    yield
    LOCAL.kill()


@pytest.mark.skipif(
    compiled.lacking(CPU) is not None, reason="needs a C++ compiler and Python's headers"
)
@pytest.mark.parametrize(
    ("variable", "place", "told"),
    [
        ("TORCHINDUCTOR_CACHE_DIR", "file/below", r"file/below: Not a directory \("),
        ("TMPDIR", "with a space", "CppCompileError: .*with"),
    ],
)
def test_where_nothing_can_be_compiled_to_auto_is_eager(
    variable, place, told, tmp_path, monkeypatch, fresh_workers
):
    (tmp_path / "file").touch()
    (tmp_path / "with a space").mkdir()
    monkeypatch.setenv(variable, str(tmp_path / place))
    run, packing = make_run(model=Linear()), Packing(None, 1)

    settled, why = settle([run], jobs=10**9, packing=packing, run_all=runner_of(packing))

    assert settled.mode == "eager"
    assert re.fullmatch(f"cpu, eager: torch.compile fails: .*{told}.*", why)


def test_the_width_is_the_launchers_the_rounds_and_the_models():
    run, cnn = make_run(), make_run(model=CNN((4, 6)))

    assert settle([run], together=16)[0].pack_width == 1
    assert settle([run], together=16, packing=Packing(None, 2))[0].pack_width == 8
    assert settle([run], together=99, packing=Packing(None, 2))[0].pack_width == 13
    assert settle([run], together=16, packing=Packing(5, 2))[0].pack_width == 5
    assert settle([cnn], together=16, packing=Packing(None, 2))[0].pack_width == 1
    assert settle([cnn, run], together=16, packing=Packing(None, 2))[0].pack_width == 8


CANCER = ScikitLearn("breast_cancer", None, 0.2, 0.2, 0)


def batch_norm_run(**trainer):
    run = make_run(model=MLP((16,), norm="batch"), batch_size=32, **trainer)
    return replace(run, data=CANCER)


@pytest.mark.parametrize(
    ("pack", "packing", "packed", "why"),
    [
        ("auto", AUTO, True, "packed: tried 16 at once: the bits of a run alone, in less time"),
        ("auto", Packing(1, None), False, "each run alone: one run at a time is asked for"),
        ("auto", None, False, "each run alone: one run at a time is asked for"),
        ("always", AUTO, True, "packed: trainer.pack says so"),
        ("never", AUTO, False, "each run alone: trainer.pack says so"),
    ],
)
def test_a_network_not_known_by_heart_is_tried_and_the_reason_kept(pack, packing, packed, why):
    run = batch_norm_run(pack=pack)

    settled, line = settle([run], jobs=100, together=32, packing=packing)

    assert f"\nmodel.norm=batch: {why}" in line
    assert in_packs(run, settled) == packed
    assert list(settled.packed if packed else settled.alone) == ["model.norm=batch"]
    assert not (settled.alone if packed else settled.packed)
    assert one_by_one(run, settled, test=False) != packed
    assert one_by_one(run, settled, test=True) == (not packed or pack == "always")


def test_why_runs_train_alone_is_kept(monkeypatch):
    def slower(run, width, device, mode):
        raise NotPackable("it is slower")

    monkeypatch.setattr(packable, "try_packed", slower)

    settled, _ = settle([batch_norm_run()], jobs=100, together=32, packing=AUTO)

    assert settled.alone == {"model.norm=batch": "it is slower"}


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_every_network_of_a_choice_is_tried_and_one_alone_decides(monkeypatch, places):
    def slower(run, width, device, mode):
        if run.model.hidden == (8,):
            raise NotPackable("it is slower")

    monkeypatch.setattr(packable, "try_packed", slower)
    runs = [replace(batch_norm_run(), model=MLP(h, norm="batch")) for h in ((16,), (8,))]

    settled, line = settle([runs[i] for i in places], jobs=100, together=32, packing=AUTO)

    assert (settled.packed, settled.alone) == ({}, {"model.norm=batch": "it is slower"})
    assert "packed" not in line


def test_a_network_that_is_built_in_is_not_tried():
    run = make_run(pack="never")

    settled, _ = settle([run], packing=AUTO)

    assert settled.packed == settled.alone == {}
    assert in_packs(run, settled)
    assert one_by_one(run, settled, test=False)
