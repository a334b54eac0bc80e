import copy

import pytest

from regsweep.data.facts import Facts
from regsweep.errors import InputError
from regsweep.settings.config import read_run
from regsweep.settings.flat import flatten
from regsweep.settings.model import MLP
from regsweep.settings.optimizer import Adam
from regsweep.settings.regularizer import L1, REGULARIZERS
from regsweep.settings.younger import unsaid

CONFIG = {
    "seed": 0,
    "objective": "val_loss",
    "data": {
        "name": "mnist",
        "root": "somewhere",
        "train_size": None,
        "validation_size": 10000,
        "split_seed": 0,
    },
    "model": {"name": "mlp", "hidden": [64, 32]},
    "regularizer": {"name": "l1", "weight": 1, "scope": "weights", "search": {"weight": "x"}},
    "optimizer": {"name": "adam", "lr": 1e-3},
    "trainer": {
        "epochs": 10,
        "batch_size": 128,
        "device": "auto",
        "compile": "auto",
        "matmul_precision": "highest",
        "log_every": None,
    },
    "run": {"stage": None, "arm": None, "trial": None},
}


def config_with(key, value):
    config = copy.deepcopy(CONFIG)
    *groups, last = key.split(".")
    node = config
    for group in groups:
        node = node[group]
    node[last] = value
    return config


def test_a_config_becomes_typed_values():
    run = read_run(CONFIG)

    assert run.model == MLP((64, 32))
    assert run.optimizer == Adam(1e-3)
    assert run.regularizer == L1(1.0, "weights")
    assert isinstance(run.regularizer.weight, float)
    assert run.data.facts.train == 50000


MESSAGES = [
    (
        "sed",
        1,
        "sed: no such key; did you mean seed? known: data, experiment, loss, "
        "loss_weight, model, objective, optimizer, regularizer, run, score, seed, trainer",
    ),
    (
        "regularizer.l1_ratio",
        0.5,
        "regularizer.l1_ratio: no such key of regularizer=l1; known: exact, scope, weight",
    ),
    (
        "regularizer.name",
        "elastc",
        "regularizer=elastc: did you mean elastic? known: " + ", ".join(sorted(REGULARIZERS)),
    ),
    ("regularizer", "l1", "regularizer=l1: expected a choice of the config group regularizer"),
    ("regularizer.weight", "big", "regularizer.weight=big: expected a number"),
    ("regularizer.weight", "1e-3", "regularizer.weight='1e-3': expected a number, without quotes"),
    ("seed", "3", "seed='3': expected a whole number, without quotes"),
    (
        "experiment",
        {"trainer": {"epochs": 1}},
        "experiment.trainer.epochs: an experiment sets the keys of the run itself; "
        "its file needs the first line '# @package _global_'",
    ),
    ("regularizer.weight", True, "regularizer.weight=True: expected a number"),
    ("regularizer.weight", None, "regularizer.weight=None: expected a number"),
    ("regularizer.weight", -1.0, "regularizer.weight=-1.0: expected a finite number, 0 or above"),
    ("regularizer.scope", "bias", "regularizer.scope=bias: known: all, weights"),
    ("trainer.epochs", 0, "trainer.epochs=0: expected a whole number, 1 or above"),
    ("trainer.epochs", -3, "trainer.epochs=-3: expected a whole number, 1 or above"),
    ("trainer.epochs", 1.5, "trainer.epochs=1.5: expected a whole number"),
    ("trainer.batch_size", 0, "trainer.batch_size=0: expected a whole number, 1 or above"),
    (
        "trainer.batch_size",
        50001,
        "trainer.batch_size=50001: expected at most the number of training examples, 50000",
    ),
    ("trainer.device", "gpu", "trainer.device=gpu: expected auto, cpu, cuda or cuda:N"),
    (
        "trainer.matmul_precision",
        "low",
        "trainer.matmul_precision=low: known: high, highest, medium",
    ),
    ("trainer.compile", "yes", "trainer.compile=yes: expected auto, true or false"),
    ("trainer.compile", 1, "trainer.compile=1: expected auto, true or false"),
    ("trainer.log_every", 0, "trainer.log_every=0: expected a whole number, 1 or above"),
    (
        "trainer.schedule",
        "cosin",
        "trainer.schedule=cosin: did you mean cosine? known: constant, cosine, linear",
    ),
    (
        "trainer.schedule",
        None,
        "trainer.schedule=None: expected one of constant, cosine, linear",
    ),
    ("trainer.warmup", 1.5, "trainer.warmup=1.5: expected a number from 0 to 1"),
    ("trainer.warmup", "long", "trainer.warmup=long: expected a number"),
    ("optimizer.lr", 0.0, "optimizer.lr=0.0: expected a finite number above 0"),
    ("optimizer.lr", -1e-3, "optimizer.lr=-0.001: expected a finite number above 0"),
    (
        "model.hidden",
        [64, 0],
        "model.hidden=[64, 0]: expected a list of 1 or more whole numbers, each 1 or above",
    ),
    (
        "model.hidden",
        [],
        "model.hidden=[]: expected a list of 1 or more whole numbers, each 1 or above",
    ),
    ("model.hidden", 64, "model.hidden=64: expected a list of whole numbers"),
    ("model.hidden", [64, "x"], "model.hidden[1]=x: expected a whole number"),
    (
        "model.activation",
        "gelo",
        "model.activation=gelo: did you mean gelu? known: gelu, relu, silu, tanh",
    ),
    (
        "model._target_",
        "mine.Net",
        "model._target_=mine.Net: one of your own is a function decorated by "
        "regsweep.model in a study file; regsweep --example prints one",
    ),
    ("model.norm", "lyer", "model.norm=lyer: did you mean layer? known: batch, layer, none"),
    ("seed", -1, "seed=-1: expected a whole number, from 0 to 4611686018427387904"),
    ("objective", "loss", "objective=loss: did you mean val_loss? known: val_error, val_loss"),
    (
        "data.name",
        "minst",
        "data=minst: did you mean mnist? known: arrays, csv, fashion_mnist, mnist, sklearn, "
        "torchvision",
    ),
    (
        "data.split_seed",
        -1,
        "data.split_seed=-1: expected a whole number, from 0 to 9223372036854775807",
    ),
    (
        "data.rows_seed",
        -1,
        "data.rows_seed=-1: expected a whole number, from 0 to 9223372036854775807",
    ),
]


def test_batch_norm_of_batches_of_one_row_is_refused():
    config = config_with("model.norm", "batch")
    config["trainer"]["batch_size"] = 1

    with pytest.raises(InputError) as caught:
        read_run(config)

    assert str(caught.value) == (
        "trainer.batch_size=1: expected at least 2: model.norm=batch takes the variance over a "
        "batch"
    )


@pytest.mark.parametrize(("key", "value", "message"), MESSAGES, ids=lambda v: str(v)[:30])
def test_bad_values_are_named_with_what_is_right(key, value, message):
    with pytest.raises(InputError) as caught:
        read_run(config_with(key, value))

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("key", "value"), [("data.validation_size", 60000), ("data.train_size", 9)]
)
def test_splits_that_cannot_be_are_refused(key, value):
    with pytest.raises(InputError, match=f"{key}={value}: expected"):
        read_run(config_with(key, value))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("alpha", 1.0, "a number from 0 to below 1"),
        ("alpha", -0.1, "a number from 0 to below 1"),
        ("eps", 0.0, "a finite number above 0"),
        ("momentum", 1.0, "a number from 0 to below 1"),
        ("lr", 0.0, "a finite number above 0"),
    ],
)
def test_numbers_that_rmsprop_cannot_take_are_refused(key, value, expected):
    rmsprop = {"name": "rmsprop", "lr": 1e-3, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0}

    with pytest.raises(InputError) as caught:
        read_run(config_with("optimizer", {**rmsprop, key: value}))

    assert str(caught.value) == f"optimizer.{key}={value}: expected {expected}"


def test_a_missing_key_is_named():
    config = copy.deepcopy(CONFIG)
    del config["optimizer"]["lr"]

    with pytest.raises(InputError, match=r"optimizer\.lr: missing; it needs a value"):
        read_run(config)


def test_a_choice_of_before_a_key_came_means_what_it_meant():
    assert "norm" not in CONFIG["model"]

    assert read_run(CONFIG) == read_run(config_with("model.norm", "none"))


def test_flatten_keeps_lists_and_empty_nodes():
    assert flatten({"a": {"b": [1, 2], "c": {}}, "d": None}) == {
        "a.b": [1, 2],
        "a.c": {},
        "d": None,
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "loss",
            "mse",
            "loss=mse: expected auto or cross_entropy, which is that of classification",
        ),
        (
            "loss",
            "bce",
            "loss=bce: expected auto or cross_entropy, which is that of classification",
        ),
        ("loss", "l1", "loss=l1: known: auto, bce, cross_entropy, mse"),
        ("score", "f1", "score=f1: known: auto, balanced_accuracy, roc_auc"),
        ("loss_weight", "all", "loss_weight=all: known: balanced, none"),
    ],
)
def test_losses_and_scores_that_do_not_fit_are_refused(key, value, message):
    with pytest.raises(InputError) as caught:
        read_run(CONFIG | {key: value})

    assert str(caught.value) == message


def test_a_config_that_is_older_than_a_key_has_its_default():
    run = read_run({k: v for k, v in CONFIG.items() if k not in ("loss", "score", "loss_weight")})

    assert (run.loss, run.score, run.loss_weight) == ("auto", "auto", "none")
    assert {"loss": "auto", "score": "auto", "loss_weight": "none"}.items() <= unsaid(
        {"seed": 0}
    ).items()


@pytest.mark.parametrize(
    ("task", "outputs", "given", "message"),
    [
        ("regression", 1, {"score": "roc_auc"}, "score=roc_auc: expected auto: the targets are nu"),
        ("regression", 1, {"loss_weight": "balanced"}, "loss_weight=balanced: expected none: the "),
        ("regression", 1, {"loss": "bce"}, "loss=bce: expected auto or mse, which"),
        ("binary", 3, {"score": "balanced_accuracy"}, "score=balanced_accuracy: expected auto or "),
    ],
)
def test_what_the_task_does_not_allow_is_refused(task, outputs, given, message):
    facts = Facts((5,), outputs, train=1000, validation=10, test=10, task=task)
    table = {"name": "arrays", "path": "x.npz", "train_size": None, "split_seed": 0}
    data = table | {"validation_size": 0.2, "test_size": 0.2}

    with pytest.raises(InputError) as caught:
        read_run(CONFIG | {"data": data} | given).check(facts)

    assert str(caught.value).startswith(message)


TABLE = {"name": "csv", "path": "x.csv", "test_path": None, "columns": None, "group": None}
SPLIT = {"train_size": None, "validation_size": 0.2, "test_size": 0.2, "split_seed": 0}


def test_a_table_may_have_one_target_or_several():
    for target, read in (("ill", "ill"), (["wet", "cold"], ("wet", "cold"))):
        assert read_run(CONFIG | {"data": TABLE | SPLIT | {"target": target}}).data.target == read


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "data.target=3: expected a word, or a list of words"),
        ([1, 2], "data.target[0]=1: expected a word"),
        ([], "data.target=[]: expected the name of a column, or several, each once"),
        (
            ["a", "a"],
            "data.target=['a', 'a']: expected the name of a column, or several, each once",
        ),
    ],
)
def test_targets_that_are_no_columns_are_refused(target, message):
    with pytest.raises(InputError) as caught:
        read_run(CONFIG | {"data": TABLE | SPLIT | {"target": target}})

    assert str(caught.value) == message
