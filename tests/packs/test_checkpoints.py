import os
from dataclasses import replace

import pytest

from regsweep.packs import publishing
from regsweep.packs.checkpoints import Checkpoints
from regsweep.packs.publishing import train_where_seen
from regsweep.packs.worker import Pack
from tests.training.test_pack import make_run

RUNS = make_run(1), make_run(2)
PACK = Pack((3, 4), RUNS, False, "cpu", "eager", 2)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path, 30)


def test_a_checkpoint_is_named_by_what_its_pack_is(checkpoints, tmp_path):
    others = [
        PACK,
        replace(PACK, runs=RUNS[::-1]),
        replace(PACK, runs=RUNS[:1]),
        replace(PACK, width=16),
        replace(PACK, mode="compiled"),
        replace(PACK, device="cuda:0"),
    ]

    assert len({checkpoints.path_of(pack) for pack in others}) == len(others)
    assert checkpoints.path_of(replace(PACK, jobs=(0, 1))) == checkpoints.path_of(PACK)
    assert checkpoints.path_of(PACK).parent == tmp_path / ".checkpoints"
    assert checkpoints.give(PACK).seconds == 1800


def test_none_is_kept_where_that_is_asked_for(tmp_path):
    assert Checkpoints(tmp_path, None).give(PACK) is None
    assert Checkpoints(tmp_path, None).kept() == []


def test_a_pack_has_come_further_once_it_has_kept_more_than_when_it_was_given(checkpoints):
    path = checkpoints.give(PACK).path
    assert not checkpoints.has_come_further(PACK)

    path.parent.mkdir()
    path.touch()
    assert checkpoints.has_come_further(PACK)

    checkpoints.give(PACK)
    assert not checkpoints.has_come_further(PACK)

    os.utime(path, ns=(1, 1))
    assert checkpoints.has_come_further(PACK)


@pytest.mark.parametrize("seen", [True, False])
def test_a_worker_that_does_not_see_the_sweeps_folder_keeps_none(
    checkpoints, tmp_path, monkeypatch, seen
):
    monkeypatch.setattr(publishing, "train", lambda pack, checkpoint: checkpoint)
    token, checkpoint = tmp_path / "token", checkpoints.give(PACK)
    if seen:
        token.touch()

    assert train_where_seen(PACK, checkpoint, token) is (checkpoint if seen else None)
    assert train_where_seen(PACK, checkpoint, None) is checkpoint
