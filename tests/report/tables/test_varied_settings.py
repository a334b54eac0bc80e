from regsweep.report.tables.gather import gather
from regsweep.report.tables.varied_settings import with_varied_settings


def params(folder):
    runs = with_varied_settings(gather([folder.root]).runs)
    return {run.record.run: run.record.params for run in runs}


def test_runs_started_by_hand_get_what_differs_within_their_arm(folder):
    def config(weight, seed):
        own = {"seed": seed, "run.trial": seed, "data.root": f"/{seed}"}
        return {"regularizer.weight": weight, "trainer.epochs": 1} | own

    for name, weight, seed in (("a", 1e-3, 0), ("b", 1e-3, 1), ("c", 1e-4, 0)):
        folder.run(name, arm={"regularizer": "l1"}, config=config(weight, seed))
    folder.run("d", config={"seed": 5, "trainer.epochs": 9})
    assert params(folder) == {
        "a": {"regularizer.weight": 1e-3},
        "b": {"regularizer.weight": 1e-3},
        "c": {"regularizer.weight": 1e-4},
        "d": {},
    }


def test_a_key_that_only_some_runs_have_differs(folder):
    folder.run("a", config={"x": [1]})
    folder.run("b", config={})
    assert params(folder) == {"a": {"x": [1]}, "b": {}}


def test_what_an_older_release_left_unsaid_is_no_difference(folder):
    older = {"model.name": "mlp", "model.hidden": [64, 32], "trainer.epochs": 1}
    younger = {"model.activation": "relu", "model.norm": "none", "trainer.schedule": "constant"}
    folder.run("a", config={"seed": 0} | older)
    folder.run("b", config={"seed": 1} | older | younger | {"trainer.warmup": 0.0})
    assert params(folder) == {"a": {}, "b": {}}
    folder.run("c", config={"seed": 2} | older | younger | {"model.activation": "gelu"})
    activations = {run: own["model.activation"] for run, own in params(folder).items()}
    assert activations == {"a": "relu", "b": "relu", "c": "gelu"}


def test_a_swept_group_is_a_setting_under_the_groups_name(folder):
    mlp = {"model.name": "mlp", "model.hidden": [64, 32]}
    folder.run("0", "sweep", trial=0, config=mlp)
    folder.run("1", "sweep", trial=1, config={"model.name": "logistic"})
    assert params(folder) == {
        "0": {"model": "mlp", "model.hidden": [64, 32]},
        "1": {"model": "logistic"},
    }


def test_params_of_the_record_stay_as_they_are(folder):
    folder.run("0", "sweep", trial=0, params={"x": 1, "y": 0}, config={"x": 9, "z": 1})
    folder.run("1", "sweep", trial=1, params={"x": 2, "y": 0}, config={"x": 8, "z": 2})
    assert params(folder) == {"0": {"x": 1, "y": 0, "z": 1}, "1": {"x": 2, "y": 0, "z": 2}}


def test_sweeps_are_not_compared_with_each_other(folder):
    folder.run("0", "a", trial=0, config={"x": 1})
    folder.run("1", "b", trial=0, config={"x": 2})
    assert params(folder) == {"0": {}, "1": {}}


def test_runs_by_hand_on_other_data_are_another_arm(folder):
    for name, data in (("a", "mnist"), ("b", "fashion_mnist")):
        folder.run(name, arm={"regularizer": "l1"}, config={"data.name": data, "model.name": "x"})
    runs = with_varied_settings(gather([folder.root]).runs)
    assert {run.record.run: run.record.arm for run in runs} == {
        "a": {"regularizer": "l1", "data": "mnist"},
        "b": {"regularizer": "l1", "data": "fashion_mnist"},
    }
    assert params(folder) == {"a": {}, "b": {}}


def test_what_says_nothing_of_a_run_is_no_setting(folder):
    for name, value in (("a", 1), ("b", 2)):
        keys = ("regularizer.search.weight", "regularizer.search", "trainer.log_every")
        folder.run(name, config=dict.fromkeys(keys, value))
    assert params(folder) == {"a": {}, "b": {}}
