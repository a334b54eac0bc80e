from types import SimpleNamespace

import pytest

from regsweep.cli.app import for_the_arms, main, with_default_arms
from regsweep.cli.arguments import in_full, to_show
from regsweep.errors import InputError


@pytest.mark.parametrize(
    "arguments",
    [
        ["-m"],
        ["--multirun"],
        ["--multi"],
        ["hydra.mode=MULTIRUN"],
        ["+hydra.mode=MULTIRUN"],
        ["++hydra.mode=MULTIRUN"],
        ["hydra.mode='MULTIRUN'"],
        ["hydra.mode=RunMode.MULTIRUN"],
        ["hydra.mode=RUN", "hydra.mode=MULTIRUN"],
    ],
)
def test_every_spelling_of_a_sweep_compares_all_five(arguments):
    [*_, added] = with_default_arms(in_full(arguments))

    assert added == "regularizer=none,l1,l2,elastic,weight_decay"


@pytest.mark.parametrize(
    "arguments", [[], ["hydra.mode=RUN"], ["hydra.mode=MULTIRUN", "hydra.mode=RUN"]]
)
def test_what_is_no_sweep_is_left_as_it_is(arguments):
    assert with_default_arms(in_full(arguments)) == arguments


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["-m", "--help"], ["--help"]),
        (["-mc", "job"], ["--cfg=job"]),
        (["--cfg", "job", "-p", "optimizer"], ["--cfg=job", "--package=optimizer"]),
        (["-m", "--info"], ["--info=all"]),
        (
            ["-m", "seed=1", "regularizer=l1,l2", "regularizer.weight=1", "-c", "all"],
            ["--cfg=all", "seed=1"],
        ),
        (["-m", "seed=1"], ["--multirun", "seed=1", "regularizer=none,l1,l2,elastic,weight_decay"]),
    ],
)
def test_what_is_shown_of_a_sweep_leaves_out_what_it_varies(arguments, shown):
    assert to_show(for_the_arms(with_default_arms(in_full(arguments)))) == shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--foo"], "--foo: no such option; did you mean --info? known: --cfg, --config-dir,"),
        (["--cfg", "foo"], "--cfg/-c: invalid choice: 'foo' (choose from"),
        (["--config-dir"], "--config-dir/-cd: expected one argument"),
        (["-m", "-r"], "--multirun and --run: give one of them"),
        (["--cfg", "job", "--info"], "--cfg and --info: give one of them"),
        (["--resolve"], "--resolve: goes with --cfg or --help, such as --cfg job --resolve"),
    ],
)
def test_an_option_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError) as refused:
        in_full(arguments)

    assert str(refused.value).startswith(message)


def test_elsewhere_than_on_posix_it_says_so(monkeypatch):
    monkeypatch.setattr("regsweep.cli.app.os", SimpleNamespace(name="nt"))

    with pytest.raises(SystemExit, match="runs on Linux and macOS"):
        main()
