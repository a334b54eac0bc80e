import pytest
from composed import checked_sweep

from regsweep.errors import InputError
from regsweep.settings.regularizer import L1, L2, REGULARIZERS, NoRegularizer

BASIC = "hydra/sweeper=basic"


def check(*overrides):
    _, sweep = checked_sweep(*overrides)
    return sweep


def test_every_combination_of_choices_is_an_arm():
    sweep = check("regularizer=none,l1,l2", "model=mlp,logistic")

    assert [arm.choices["regularizer"] for arm in sweep.arms] == [
        "none", "none", "l1", "l1", "l2", "l2",
    ]  # fmt: skip
    assert {type(run.regularizer) for run in sweep.runs} == {NoRegularizer, L1, L2}


def test_searched_are_the_swept_keys_and_in_a_search_the_search_nodes():
    grid = check(BASIC, "regularizer=l1,l2", "regularizer.weight=1,2", "optimizer.lr=1e-3,1e-4")
    search = check("regularizer=none,elastic", "optimizer.lr=1e-3,1e-4")
    fixed = check("regularizer=elastic", "regularizer.weight=1e-3")

    assert grid.searched == ("regularizer.weight", "optimizer.lr")
    assert search.searched == ("optimizer.lr", "regularizer.weight", "regularizer.l1_ratio")
    assert fixed.searched == ("regularizer.l1_ratio",)


def test_every_regularizer_is_searched_as_its_file_says():
    sweep = check("regularizer=glob(*)")

    assert {arm.choices["regularizer"] for arm in sweep.arms} == REGULARIZERS.keys()
    assert all(arm.space or arm.choices["regularizer"] == "none" for arm in sweep.arms)


def test_the_sweepers_own_params_are_swept_too():
    swept = check(BASIC, "+hydra.sweeper.params={regularizer: 'l1,l2', seed: '0,1'}")

    assert len(swept.arms) == 2
    assert swept.searched == ("seed",)


REFUSED = [
    (
        ["regularizer=l1,l2", "trainer.batch_size=interval(0,256)"],
        "trainer.batch_size=interval(0,256): expected whole numbers: "
        "trainer.batch_size=int(interval(0,256))",
    ),
    (
        ["regularizer=glob(x*)"],
        f"regularizer=glob(x*): matches no choice; known: {', '.join(sorted(REGULARIZERS))}",
    ),
    (
        ["regularizer=weight_decay", "regularizer.lr_scaled=false"],
        "regularizer.weight=10.0: expected at most 1 with regularizer.lr_scaled=false",
    ),
    (
        ["regularizer=none,l1", "regularizer.wait=1,2"],
        "regularizer.wait=1,2: no arm has this key; did you mean weight? known: exact, "
        "scope, weight",
    ),
    ([BASIC, "seed=0,-1"], "seed=-1: expected a whole number"),
    (["regularizer=l1", "regularizer.weight=interval(-1,1)"], "regularizer.weight=-1.0: expected"),
    (["regularizer=l1", "regularizer.weight=interval(0,inf)"], "regularizer.weight=inf: expected"),
    (["regularizer=l1", "optimizer.lr=1e-3,0"], "optimizer.lr=0.0: expected a finite number above"),
    ([BASIC, "model.hidden=[64],[0]"], "model.hidden=[0]: expected a list"),
    (
        [BASIC, "data.train_size=500,1000", "trainer.batch_size=100,600"],
        "trainer.batch_size=600: expected at most the number of training examples, 500",
    ),
    (
        ["regularizer=l1", "regularizer.weight=tag(log,interval(0,1))"],
        "regularizer.weight=tag(log,interval(0,1)): expected an interval above 0 on a log scale",
    ),
    (
        ["regularizer=l1", "regularizer.weight=interval(1,0)"],
        "regularizer.weight=interval(1,0): expected an interval from low to high",
    ),
    (
        [BASIC, "regularizer=l1", "regularizer.weight=interval(0,1)"],
        "regularizer.weight=interval(0,1): hydra/sweeper=basic takes no intervals; "
        "give a list of values, or take hydra/sweeper=optuna",
    ),
    (
        ["regularizer=l1", "regularizer.search.weight=interval(0,1)"],
        "regularizer.search.weight=interval(0,1): a search node holds text: quote the value, "
        "or sweep regularizer.weight",
    ),
    (
        ["regularizer=l1", "regularizer.search.weight=0.5"],
        "regularizer.search.weight=0.5: expected a range or choice, such as interval(0, 1)",
    ),
    (["seed=0,1"], "seed=0,1: a search compares trials on one seed; give it one value"),
    (
        ["objective=val_loss,val_error"],
        "objective=val_loss,val_error: a search compares trials on one objective; "
        "give it one value",
    ),
    (
        ["loss=bce,cross_entropy"],
        "loss=bce,cross_entropy: a search compares trials on one loss; give it one value",
    ),
    (
        ["score=auto,roc_auc"],
        "score=auto,roc_auc: a search compares trials on one score; give it one value",
    ),
    (
        ["data=mnist,fashion_mnist"],
        "data=mnist,fashion_mnist: a search compares trials on one data; give it one value",
    ),
    (
        ["data.validation_size=0"],
        "data.validation_size=0: expected above 0 in a search, which judges by val_loss",
    ),
    (["hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials=0: expected a whole number, 1 or above"),
    (["hydra.sweeper.n_trials=2.5"], "hydra.sweeper.n_trials=2.5: expected a whole number"),
    (["hydra.sweeper.n_jobs=0"], "hydra.sweeper.n_jobs=0: expected a whole number, 1 or above"),
    (
        ["hydra.sweeper.direction=maximize"],
        "hydra.sweeper.direction=maximize: expected minimize: it is a loss",
    ),
    (
        [BASIC, "regularizer=l1,l2", "hydra.sweep.subdir=x"],
        "hydra.sweep.subdir=x: expected a name that differs between jobs, such as ${hydra.job.num}",
    ),
    (
        [BASIC, "regularizer=l1,l2", "optimizer.lr=1,2", "hydra.sweep.subdir=${regularizer.name}"],
        "hydra.sweep.subdir=${regularizer.name}: expected a name that differs between jobs, such "
        "as ${hydra.job.num}: two are l1",
    ),
    (
        ["hydra/sweeper=optuna", "regularizer=l1", "hydra.sweep.subdir=${regularizer.weight}"],
        "hydra.sweep.subdir=${regularizer.weight}: expected a name that differs between jobs, such "
        "as ${hydra.job.num}",
    ),
    (
        ["regularizer=l1", "hydra/sweeper/sampler=grid"],
        "regularizer.weight=tag(log, interval(1e-6, 1e-2)): a grid needs a list of values, "
        "such as regularizer.weight=0.1,1",
    ),
    (["run.stage=foo"], "run.stage=foo: known: confirm, search, single"),
    (["run.role=loser"], "run.role=loser: known: ablation, sparsest, winner"),
    (["run.trial=x"], "run.trial=x: expected a whole number"),
    (["run.arm=5"], "run.arm=5: expected null, or the choice of each compared group"),
    (["run=null"], "run=None: expected a choice of the config group run"),
    (["model=cnn", "model.channels=[1,1,1,1,1]"], "model.channels=[1, 1, 1, 1, 1]: expected at m"),
    (
        ["data=sklearn", "data.validation_size=few"],
        "data.validation_size=few: expected a whole number of rows, or a share such as 0.2",
    ),
    (["data=sklearn", "data.validation_size=0"], "data.validation_size=0: expected above 0 in a"),
    (
        ["data=csv", "data.path=x.csv", "data.target=y", "data.columns=age"],
        "data.columns=age: expected a list of words",
    ),
    (["data=csv", "data.path=''", "data.target=y"], "data.path='': expected the path of a file"),
    (["data=csv", "data.path=x.csv"], "data.target: missing; it needs a value"),
    (["data.root=''"], "data.root='': expected a folder; is REGSWEEP_DATA set to nothing?"),
]


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=lambda v: str(v)[:60])
def test_what_cannot_be_a_sweep_is_refused(overrides, message):
    with pytest.raises(InputError) as caught:
        check(*overrides)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "subdir", ["${optimizer.lr}/${hydra:runtime.choices.regularizer}", "${hydra_override_dirname:}"]
)
def test_jobs_may_be_named_after_all_that_differs(subdir):
    _, sweep = checked_sweep(
        BASIC, "regularizer=l1,l2", "optimizer.lr=1,2", f"hydra.sweep.subdir='{subdir}'"
    )

    assert sweep.jobs == 4


def test_a_search_node_given_in_quotes_is_searched():
    sweep = check("regularizer=l1", "regularizer.search.weight='interval(0.5,0.6)'")
    nothing = check("regularizer=l1", "regularizer.search=null")

    assert sweep.searched == ("regularizer.weight",)
    assert nothing.searched == ()


def test_a_long_range_is_not_tried_value_by_value():
    assert check(BASIC, "seed=range(0,10000000)").searched == ("seed",)


def test_a_sampler_that_would_end_a_study_itself_is_refused_by_name():
    brute = "hydra.sweeper.sampler._target_=optuna.samplers.BruteForceSampler"
    with pytest.raises(InputError, match=r"BruteForceSampler: expected .*sampler=grid"):
        checked_sweep("regularizer=l1", "hydra/sweeper/sampler=random", brute)
