import json

import pytest

from regsweep.records.stored import Unreadable
from regsweep.report.tables.gather import gather
from regsweep.report.tables.request import Request, read_request
from tests.report.conftest import STOCK, config_of

LOG = "tag(log, interval(1e-6, 1e-2))"


def read(folder, **content):
    return read_request(folder.sweep(**content))


def message(folder, text):
    directory = folder.sweep()
    (directory / "sweep.json").write_text(text)
    with pytest.raises(Unreadable) as caught:
        read_request(directory)
    return caught.value.reason


def test_all_parts_of_a_compare_sweep_are_read(folder):
    directory = folder.compared("none", "l1", seed=7, objective="val_error")
    assert read_request(directory) == Request(
        sweeper="compare",
        overrides=("regularizer=none,l1", "trainer.epochs=2"),
        objective="val_error",
        seed=7,
        arms=("regularizer=none", "regularizer=l1"),
        spaces={"regularizer=none": {}, "regularizer=l1": {"regularizer.weight": LOG}},
        baselines={"regularizer=none": "regularizer=none", "regularizer=l1": "regularizer=none"},
        trials={"regularizer=none": 1, "regularizer=l1": 1},
        configs={f"regularizer={arm}": config_of(arm) for arm in ("none", "l1")},
        budget={
            "n_trials": 1,
            "n_jobs": 16,
            "replicates": 1,
            "confirm_seeds": 3,
            "max_failure_rate": 1.0,
        },
        compares=True,
        settled={
            "device": "cpu",
            "mode": "eager",
            "threads": 1,
            "matmul_precision": "highest",
            "pack_width": 16,
            "packed": {},
            "alone": {},
            "processor": "",
        },
        versions={"python": "3.11.2", "torch": "2.10.0"},
        confirm=(10000, 10001, 10002),
    )


def test_a_stock_sweep_plans_nothing(folder):
    asked = read(folder, sweeper="optuna", seed=3)
    assert (asked.sweeper, asked.seed, asked.compares) == ("optuna", 3, False)
    assert (asked.arms, asked.spaces, asked.baselines, asked.trials) == ((), {}, {}, {})


def test_arms_of_several_groups_are_named_by_all_of_them(folder):
    arms = [{"regularizer": "l1", "model": "cnn"}, {"regularizer": "l2", "model": "cnn"}]
    asked = read(folder, arms=arms, spaces=[{"a": "interval(0, 1)"}, {}])
    assert asked.arms == ("regularizer=l1 model=cnn", "regularizer=l2 model=cnn")
    assert asked.spaces[asked.arms[0]] == {"a": "interval(0, 1)"}


def test_arms_that_are_named_twice_are_one(folder):
    arms = [{"regularizer": "l1"}, {"regularizer": "l1"}, {"regularizer": "l2"}]
    assert read(folder, arms=arms).arms == ("regularizer=l1", "regularizer=l2")


def test_arms_without_search_spaces_have_none(folder):
    asked = read(folder, sweeper="optuna", arms=[{"regularizer": "l1"}])
    assert (asked.arms, asked.spaces) == (("regularizer=l1",), {})


def test_common_is_what_every_arm_has_alike(folder):
    configs = [
        {"same": [64, 32], "other": 1, "first": None, "null": None},
        {"same": [64, 32], "other": 1, "null": None},
        {"same": [64, 32], "other": 2, "last": 1, "null": None},
    ]
    arms = [{"regularizer": arm} for arm in ("none", "l1", "l2")]
    common = {"same": [64, 32], "null": None}
    assert read(folder, arms=arms, configs=configs).common == common
    assert read(folder, arms=arms, configs=configs[:1]).common == configs[0]


def test_older_files_tell_baselines_and_trials_as_well_as_they_can(folder):
    arms = [{"regularizer": arm} for arm in ("l1", "none")]
    given = {
        "sweeper": "compare",
        "arms": arms,
        "spaces": [{"a": "1,2"}, {}],
        "configs": [{}, {}],
        "budget": {"n_trials": 20, "n_jobs": 16, "replicates": 1},
    }
    asked = read(folder, **given)
    assert asked.baselines == {"regularizer=l1": "regularizer=none"} | {
        "regularizer=none": "regularizer=none"
    }
    assert (asked.trials, asked.tests) == ({"regularizer=l1": 20, "regularizer=none": 1}, 1)
    assert read(folder, **given, baseline="regularizer=l1").baselines == {
        "regularizer=l1": "regularizer=l1",
        "regularizer=none": "regularizer=l1",
    }
    grid = {"_target_": "optuna.samplers.GridSampler"}
    assert read(folder, **given, sampler=grid).trials == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "a JSON list, expected an object"),
        ('"x"', "a JSON str, expected an object"),
        ("{}", "damaged, or of another version (missing: arms, objective, overrides, "),
        (
            json.dumps(STOCK | {"objective": "speed"}),
            "objective 'speed', expected one of val_loss, val_error",
        ),
        ('{"objective": ["val_loss"]}', "objective ['val_loss'], expected text"),
        ('{"arms": ["l1"]}', "arms ['l1'], expected a list, each an object, each value text"),
        ('{"arms": 1}', "arms 1, expected a list, each an object, each value text"),
        (
            '{"budget": {"n_trials": "20"}}',
            "budget {'n_trials': '20'}, expected an object, each value a number",
        ),
        ('{"spaces": [{"a": 1}]}', "spaces [{'a': 1}], expected a list, each an object, each "),
        ('{"configs": [1]}', "configs [1], expected a list, each an object, each value anything"),
        ('{"overrides": "x=1"}', "overrides 'x=1', expected a list, each text"),
        ('{"settled": {"threads": "1"}}', "settled {'threads': '1'}, expected an object of device"),
        ('{"schema": 2, "arms": 1}', "schema 2, this version reads 1"),
    ],
)
def test_a_part_that_is_not_what_it_should_be_is_named(folder, text, expected):
    assert message(folder, text).startswith(expected)


@pytest.mark.parametrize("text", ["", "{", '{"seed": "first"}', "\x00"])
def test_a_file_that_cannot_be_read_is_unreadable(folder, text):
    assert message(folder, text)


def test_a_file_that_is_not_there_is_unreadable(folder):
    with pytest.raises(Unreadable, match=r"unreadable \(No such file or directory\)"):
        read_request(folder.root)


def test_a_sweep_file_with_a_wrong_part_is_listed_and_its_runs_are_read(folder):
    sweep = folder.sweep(objective=["val_loss"])
    folder.trial(0, 1e-4, 0.5)
    gathered = gather([sweep])
    assert (len(gathered.runs), gathered.asked) == (1, {})
    assert [problem.path for problem in gathered.unreadable] == [f"{sweep}/sweep.json"]


def test_the_file_is_read_as_utf_8(folder):
    directory = folder.sweep()
    content = json.dumps(STOCK | {"overrides": ["x=ä"]}, ensure_ascii=False)
    (directory / "sweep.json").write_bytes(content.encode())
    assert read_request(directory).overrides == ("x=ä",)
