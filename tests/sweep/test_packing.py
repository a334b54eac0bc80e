import pytest
import torch
from omegaconf import OmegaConf

from regsweep.errors import InputError
from regsweep.sweep.packing import (
    PACK_LAUNCHER,
    Packing,
    count_workers,
    even_width,
    read_packing,
)

AUTO = Packing(None, None)
NODE = {"_target_": PACK_LAUNCHER, "pack_size": "auto", "workers": "auto", "checkpoint_minutes": 30}


@pytest.mark.parametrize(
    ("key", "value", "low"),
    [
        *(("pack_size", value, 1) for value in (0, -1, 1.5, True, "many", None)),
        *(("workers", value, 0) for value in (-1, 1.5, True, "many", None)),
    ],
)
def test_a_wrong_setting_is_named(key, value, low):
    said = rf"hydra.launcher.{key}={value}: expected auto, or a whole number, {low} or above"

    with pytest.raises(InputError, match=said):
        read_packing(OmegaConf.create({**NODE, key: value}))


@pytest.mark.parametrize("value", [-1, True, "often", float("nan"), float("inf")])
def test_minutes_between_checkpoints_are_a_number(value):
    said = "hydra.launcher.checkpoint_minutes=.*: expected minutes, 0 or above, or null for never"

    with pytest.raises(InputError, match=said):
        read_packing(OmegaConf.create({**NODE, "checkpoint_minutes": value}))


@pytest.mark.parametrize(("value", "minutes"), [(0, 0.0), (0.001, 0.001), (30, 30.0), (None, None)])
def test_they_may_be_none(value, minutes):
    read = read_packing(OmegaConf.create({**NODE, "checkpoint_minutes": value}))

    assert read == Packing(None, None, checkpoint_minutes=minutes)


def test_other_launchers_pack_nothing():
    assert read_packing(OmegaConf.create({"_target_": "some.Launcher", "workers": 0})) is None
    assert read_packing(OmegaConf.create({**NODE, "workers": 0})) == Packing(
        None, 0, checkpoint_minutes=30.0
    )


@pytest.mark.parametrize(
    ("jobs", "workers", "widest", "width"),
    [(16, 2, 8, 8), (20, 2, 8, 5), (5, 2, 8, 3), (1, 2, 8, 1), (100, 4, 8, 7), (100, 1, 1024, 100)],
)
def test_packs_are_no_wider_than_the_turns_need(jobs, workers, widest, width):
    assert even_width(jobs, workers, widest) == width


def test_a_worker_a_core_on_a_cpu_and_one_for_a_gpu(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")

    assert count_workers(AUTO, torch.device("cpu")) == 1
    assert count_workers(AUTO, torch.device("cuda")) == 1
    assert count_workers(Packing(None, 3), torch.device("cpu")) == 3
    assert count_workers(Packing(None, 0), torch.device("cpu")) == 1
