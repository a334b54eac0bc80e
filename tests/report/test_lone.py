from regsweep.report.gather import gather
from regsweep.report.lone import with_varied_settings


def params(folder):
    runs = with_varied_settings(gather([folder.root]).runs)
    return {run.record.run: run.record.params for run in runs}


def test_runs_started_by_hand_get_what_differs_within_their_arm(folder):
    def config(weight, seed):
        return {"regularizer.weight": weight, "trainer.epochs": 1, "seed": seed, "run.trial": seed}

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


def test_the_jobs_of_a_sweep_keep_their_params(folder):
    folder.run("0", "sweep", trial=0, params={"x": 1}, config={"x": 1, "y": 1})
    folder.run("1", "sweep", trial=1, params={"x": 2}, config={"x": 2, "y": 2})
    assert params(folder) == {"0": {"x": 1}, "1": {"x": 2}}
