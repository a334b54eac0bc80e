import hashlib
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import cloudpickle
import pytest

from regsweep.errors import ClusterFault
from regsweep.packs.engines.choice import LOCAL
from regsweep.packs.engines.delivery import (
    Delivering,
    Lacking,
    Needs,
    contents_of,
    delivered,
    needs_of,
    where_met,
)
from regsweep.packs.engines.peers import peer
from regsweep.settings.own import OwnModel, Study
from regsweep.sweep.processor import processor
from tests.training.test_pack import make_run


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "folder" / "rows"
    path.parent.mkdir()
    path.write_bytes(b"rows")
    return path, Needs({str(path): hashlib.sha256(b"rows").hexdigest()})


DONE = cloudpickle.dumps(lambda: "done")


def test_a_call_that_lacks_a_file_is_done_again_with_it(files):
    path, known = files
    engine = Delivering(LOCAL)
    engine.needs = known
    assert contents_of(known)  # read before it goes
    path.unlink()
    path.parent.rmdir()

    assert engine.submit(path.read_bytes, 1).result(timeout=60) == b"rows"


def test_what_is_there_stays_as_it_is(files):
    path, known = files
    before = path.stat()

    assert delivered(contents_of(known), known, DONE) == (processor(), "done")
    assert path.stat() == before


def test_another_file_is_named(files):
    path, known = files
    path.write_bytes(b"others")

    with pytest.raises(ClusterFault, match=rf"^{path}: another file on the worker "):
        where_met(known, DONE)


def test_a_file_that_is_not_there_is_not_made_up(files):
    path, known = files
    path.unlink()

    with pytest.raises(Lacking):
        where_met(known, DONE)


def test_a_place_that_cannot_be_written_is_named(files, tmp_path):
    path, known = files
    contents = contents_of(known)
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file")

    with pytest.raises(ClusterFault, match=rf"^{path}: lacks on the worker .* cannot be put"):
        delivered(contents, known, DONE)


def test_a_worker_of_another_version_refuses_before_it_loads_the_call():
    with pytest.raises(ClusterFault, match=r"^worker .*: has torch .*, and here it is 1\.0; inst"):
        where_met(Needs(versions={"torch": "1.0"}), b"of a module that is not there")


STUDY = """
import numpy.linalg
from sklearn import metrics
import not_installed

def later():
    import safetensors
"""


def test_what_a_study_imports_is_needed_in_the_version_that_is_here(tmp_path):
    study = tmp_path / "study.py"
    study.write_text(STUDY)
    run = replace(make_run(), model=OwnModel("mine", (), Study(str(study), None)))

    needs = needs_of([run], tmp_path)

    assert needs.files[str(study)] == hashlib.sha256(study.read_bytes()).hexdigest()
    versions = {name: version(name) for name in ("numpy", "scikit-learn", "safetensors", "torch")}
    assert needs.versions.items() >= versions.items()
    assert needs_of([make_run()], Path()).versions.keys() == needs.versions.keys() - {"safetensors"}


class Cluster:
    """An engine of which each worker has another processor."""

    takes_all = False

    def __init__(self, *processors, **versions):
        self.workers = {
            name: replace(peer(), processor=name, versions=peer().versions | versions)
            for name in processors
        }

    def peers(self, packages):
        return self.workers


def test_workers_are_asked_once_before_their_calls(caplog):
    here = Needs(versions=peer().versions)
    engine = Delivering(Cluster("A", "B"))

    engine.equip(here)
    engine.equip(here)

    assert engine.processors == {"A", "B"}
    assert caplog.text.count("processors differ, and so may last digits: A; B") == 1
    with pytest.raises(ClusterFault, match=r"^worker C: has numpy 1\.0, and here it is "):
        Delivering(Cluster("C", numpy="1.0")).equip(here)


def test_another_processor_that_is_met_later_is_said_once(caplog):
    engine = Delivering(LOCAL)
    engine.processors = frozenset({"A"})

    assert [engine.submit(Path.cwd, 1).result(timeout=60) for _ in range(2)] == [Path.cwd()] * 2
    assert engine.processors == {"A", processor()}
    assert caplog.text.count("processors differ") == 1


def test_a_worker_without_the_gpu_that_runs_are_for_refuses(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    needs = needs_of([make_run(device="cpu"), make_run(device="cuda:1")], Path())

    with pytest.raises(
        ClusterFault, match=r"^worker .*: trainer.device=cuda: PyTorch finds no GPU"
    ):
        where_met(Needs(gpu=needs.gpu), DONE)
