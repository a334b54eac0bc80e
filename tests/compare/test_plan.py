from dataclasses import replace

import pytest
from composed import checked_sweep

from regsweep.compare.plan import QUIET, Place, Slot, read_plan
from regsweep.errors import InputError


def test_trials_are_dealt_over_the_arms_in_turn(planned):
    plan, _ = planned(
        "regularizer=none,l1,l2", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_jobs=4"
    )

    assert plan.trials == (1, 3, 3)
    assert plan.rounds() == [
        (Slot(0, 0), Slot(1, 0), Slot(2, 0), Slot(1, 1)),
        (Slot(2, 1), Slot(1, 2), Slot(2, 2)),
    ]
    assert (plan.search_runs, plan.confirm_runs) == (7, 30)


def test_more_trials_change_no_round_before(planned):
    short, _ = planned("regularizer=l1,l2", "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=4")
    long, _ = planned("regularizer=l1,l2", "hydra.sweeper.n_trials=9", "hydra.sweeper.n_jobs=4")

    *whole, last = short.rounds()
    assert long.rounds()[: len(whole)] == whole
    assert long.rounds()[len(whole)][: len(last)] == last


def test_search_and_confirm_seeds_do_not_meet(planned):
    plan, _ = planned(
        "regularizer=l1",
        "seed=7",
        "hydra.sweeper.replicates=2",
        "hydra.sweeper.confirm_seeds=3",
        "hydra.sweeper.max_confirm_seeds=3",
    )

    assert list(plan.search_seeds) == [7, 8]
    assert list(plan.confirm_seeds) == [10007, 10008, 10009]


def test_every_run_has_a_folder_and_a_job_of_its_own(planned):
    plan, _ = planned("regularizer=none,l1", "model=mlp,logistic", "seed=3", "trainer.epochs=1")
    place = Place("search", Slot(3, 2), 3)

    assert plan.folder(place) == "search/regularizer=l1,model=logistic/2-3"
    assert plan.overrides(place, ["regularizer.weight=0.5"]) == [
        "regularizer=l1",
        "model=logistic",
        "trainer.epochs=1",
        "regularizer.weight=0.5",
        "seed=3",
        "run.stage=search",
        "run.arm={regularizer:l1,model:logistic}",
        "run.trial=2",
        "hydra/job_logging=file",
        "hydra.sweep.subdir='${run.stage}/regularizer=l1,model=logistic/${run.trial}-${seed}'",
    ]


def test_arms_are_the_combinations_of_swept_choices(planned):
    plan, spaces = planned("regularizer=none,l1", "model=mlp,logistic")

    assert [arm.name for arm in plan.arms] == [
        "regularizer=none model=mlp",
        "regularizer=none model=logistic",
        "regularizer=l1 model=mlp",
        "regularizer=l1 model=logistic",
    ]
    assert [set(space) for space in spaces] == [set(), set(), *[{"regularizer.weight"}] * 2]
    assert plan.baselines == (
        "regularizer=none model=mlp",
        "regularizer=none model=logistic",
        "regularizer=none model=mlp",
        "regularizer=none model=logistic",
    )


@pytest.mark.parametrize(
    ("overrides", "first"),
    [
        (("regularizer=l1,l2", "model=mlp,logistic"), "regularizer=l1 model=mlp"),
        (("model=logistic,mlp",), "model=logistic"),
    ],
)
def test_where_no_arm_is_without_regularization_the_first_is_everyones_baseline(
    planned, overrides, first
):
    plan, _ = planned(*overrides)

    assert set(plan.baselines) == {first}


def test_without_swept_choices_the_regularizer_is_the_arm(planned):
    plan, _ = planned("regularizer=l2")

    assert [arm.name for arm in plan.arms] == ["regularizer=l2"]
    assert set(plan.baselines) == {"regularizer=l2"}


def test_a_key_holds_for_the_arms_that_have_it(planned):
    plan, spaces = planned("regularizer=none,l1,elastic", "regularizer.weight=choice(1e-3)")

    assert [arm.without for arm in plan.arms] == [("regularizer.weight=1e-3",), (), ()]
    assert [set(space) for space in spaces] == [set(), set(), {"regularizer.l1_ratio"}]
    assert "regularizer.weight=1e-3" not in plan.arms[0].overrides
    assert "regularizer.weight=1e-3" in plan.arms[1].overrides


def test_intervals_and_lists_of_the_command_line_are_searched(planned):
    plan, spaces = planned(
        "regularizer=none,l1", "regularizer.weight=interval(0,1)", "optimizer.lr=1e-3,1e-4"
    )

    assert plan.arms[0].space == {"optimizer.lr": "1e-3,1e-4"}
    assert plan.arms[1].space == {
        "regularizer.weight": "interval(0,1)", "optimizer.lr": "1e-3,1e-4",
    }  # fmt: skip
    assert spaces[0]["optimizer.lr"].choices == (0.001, 0.0001)
    assert plan.trials == (20, 20)


def test_nothing_is_searched_where_search_is_null(planned):
    plan, spaces = planned("experiment=article_l1", "data.validation_size=100")

    assert spaces == [{}]
    assert plan.trials == (1,)


@pytest.mark.parametrize("asked", ["'regularizer=l2'", "l2", "{regularizer: l2}"])
def test_a_baseline_can_be_named(planned, asked):
    plan, _ = planned("regularizer=none,l1,l2", f"hydra.sweeper.baseline={asked}")

    assert set(plan.baselines) == {"regularizer=l2"}


ONE = "regularizer=l1"
REFUSED = [
    (["seed=0,1"], "seed=0,1: a search compares trials on one seed; give it one value; "
     "hydra.sweeper.replicates=2 runs each trial on two seeds"),
    (["data=mnist,fashion_mnist"], "data=mnist,fashion_mnist: a search compares trials on one"),
    (["data.train_size=100,200"], "data.train_size=100,200: a search compares trials on one"),
    (["objective=val_loss,val_error"], "objective=val_loss,val_error: a search compares"),
    (["data.validation_size=0"], "data.validation_size=0: expected above 0 in a search"),
    (["regularizer=l1,l1"], "regularizer=l1: named twice; an arm is compared once"),
    ([ONE, "hydra.sweeper.baseline=l3"], "hydra.sweeper.baseline=l3: no such arm; "),
    ([ONE, "hydra.sweeper.n_trials=0"], "hydra.sweeper.n_trials=0: expected a whole number"),
    ([ONE, "hydra.sweeper.n_jobs=0"], "hydra.sweeper.n_jobs=0: expected a whole number"),
    ([ONE, "hydra.sweeper.replicates=0"], "hydra.sweeper.replicates=0: expected a whole number"),
    ([ONE, "hydra.sweeper.replicates=10001"], "hydra.sweeper.replicates=10001: expected a whole"),
    ([ONE, "hydra.sweeper.confirm_seeds=-1"], "hydra.sweeper.confirm_seeds=-1: expected a whole"),
    ([ONE, "hydra.sweeper.max_failure_rate=2"], "hydra.sweeper.max_failure_rate=2.0: expected a "
     "number from 0 to 1"),
    ([ONE, "hydra.sweeper.custom_search_space=x"], "hydra.sweeper.custom_search_space=x: expected "
     "null"),
    ([ONE, "hydra.sweeper.storage={a: b}"], "hydra.sweeper.storage={'a': 'b'}: expected an "
     "address"),
    ([ONE, "seed=4611686018427387904"], "seed=4611686018427387904: expected a whole number, from"),
    ([ONE, "+data.search={split_seed: 'range(0,5)'}"], "data.split_seed=range(0,5): a search"),
    ([ONE, "hydra.sweep.subdir=x/${hydra.job.num}"], "hydra.sweep.subdir=x/${hydra.job.num}: com"),
    ([ONE, "run.trial=3"], "run.trial=3: set by the sweeper"),
    ([ONE, "hydra.sweeper.direction=maximize"], "hydra.sweeper.direction=maximize: expected min"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "message"), REFUSED, ids=lambda v: str(v)[:50])
def test_what_cannot_be_compared_is_refused(planned, overrides, message):
    with pytest.raises(InputError) as caught:
        planned(*overrides)

    assert str(caught.value).startswith(message)


def test_epochs_may_be_searched_over_experiments(planned):
    plan, spaces = planned(
        "experiment=article_l1,article_l2", "data.validation_size=100", "trainer.epochs=1,2"
    )

    assert [arm.name for arm in plan.arms] == ["experiment=article_l1", "experiment=article_l2"]
    assert [space["trainer.epochs"].choices for space in spaces] == [(1, 2), (1, 2)]


def test_seed_and_objective_are_those_of_the_arms(planned, tmp_path):
    (tmp_path / "experiment").mkdir()
    for name in ("a", "b"):
        (tmp_path / "experiment" / f"{name}.yaml").write_text(
            "# @package _global_\nseed: 42\nobjective: val_error\n"
        )
    plan, _ = planned("experiment=a,b", f"hydra.searchpath=[file://{tmp_path}]")

    assert (plan.seed, plan.objective) == (42, "val_error")


def test_arms_of_unequal_budgets_are_refused(planned, tmp_path):
    (tmp_path / "experiment").mkdir()
    for name, epochs in (("short", 1), ("long", 9)):
        (tmp_path / "experiment" / f"{name}.yaml").write_text(
            f"# @package _global_\ntrainer:\n  epochs: {epochs}\n"
        )
    with pytest.raises(InputError) as caught:
        planned("experiment=short,long", f"hydra.searchpath=[file://{tmp_path}]")

    assert str(caught.value) == (
        "trainer.epochs: 1 in experiment=short, but 9 in experiment=long; "
        "arms are compared on equal terms"
    )


def test_arms_whose_folders_have_one_name_are_refused():
    config, sweep = checked_sweep("regularizer=l1,l2")
    arms = tuple(
        replace(arm, choices={"experiment": name})
        for arm, name in zip(sweep.arms, ("a/b", "a_b"), strict=True)
    )

    with pytest.raises(InputError) as caught:
        read_plan(config, replace(sweep, arms=arms), [1, 1])
    assert str(caught.value) == (
        "experiment=a/b: another arm's runs are in experiment=a_b too; rename a choice"
    )


@pytest.mark.parametrize(("chosen", "kept"), [((), True), (("hydra/job_logging=disabled",), False)])
def test_logs_are_kept_off_the_terminal_but_where_others_are_chosen(planned, chosen, kept):
    plan, _ = planned("regularizer=none", *chosen)
    place = Place("search", Slot(0, 0), seed=0)

    assert (QUIET in plan.overrides(place, [])) == kept
