import json
import math
from dataclasses import replace

import pytest

from regsweep.errors import MachineFault
from regsweep.records.record import FILE_NAME, Record, RecordError, publish, read

RECORD = Record(
    run="3",
    stage="search",
    arm={"regularizer": "l1"},
    trial=3,
    seed=0,
    status="completed",
    overrides=("regularizer=l1",),
    params={"regularizer.weight": 1e-5},
    config={"model.hidden": [64, 32]},
    metrics={"val_loss": 0.1 + 0.2},
    epochs=10,
    seconds=1.5,
    environment={"device": "cpu"},
    started="2026-11-26T10:00:00.123+00:00",
    git="2fc75546d347ab0ebc2b420f68b8f4afba0ec92d",
)


def test_reads_back_what_was_published(tmp_path):
    assert read(publish(RECORD, tmp_path)) == RECORD


def test_keys_are_those_of_the_contract(tmp_path):
    content = json.loads(publish(RECORD, tmp_path).read_text())

    assert list(content) == [
        "schema", "run", "stage", "arm", "trial", "seed", "status", "overrides", "params",
        "config", "metrics", "epochs", "seconds", "environment", "error", "started", "git",
        "role",
    ]  # fmt: skip


def test_a_published_record_is_never_written_over(tmp_path):
    path = publish(RECORD, tmp_path)

    with pytest.raises(FileExistsError, match="already holds a record"):
        publish(replace(RECORD, seed=1), tmp_path)

    assert read(path) == RECORD
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_what_cannot_be_written_is_the_machines_fault(tmp_path):
    with pytest.raises(MachineFault, match=r"gone/record\.json: No such file .* bytes free\)$"):
        publish(RECORD, tmp_path / "gone")


def test_a_record_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        publish(replace(RECORD, config={"key": object()}), tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_numbers_that_json_does_not_know_become_null(tmp_path):
    path = publish(replace(RECORD, config={"a": math.inf}, metrics={"b": math.nan}), tmp_path)

    content = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert (content["config"], content["metrics"]) == ({"a": None}, {"b": None})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "unreadable"),
        ("[]", r"not a record \(a JSON list\)"),
        ('{"schema": 4}', "schema 4, this version reads 1 to 3"),
        ('{"schema": true}', "schema True, this version reads 1 to 3"),
        ('{"schema": [1]}', r"schema \[1\], this version reads 1 to 3"),
        ('{"schema": 1, "run": "0"}', "fields missing or unknown: arm, config"),
    ],
)
def test_what_is_no_record_is_named(tmp_path, text, reason):
    path = tmp_path / FILE_NAME
    path.write_text(text)

    with pytest.raises(RecordError, match=reason) as caught:
        read(path)

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("schema", "lacking"), [(1, ("started", "git", "role")), (2, ("role",))])
def test_a_record_of_an_older_schema_reads_without_what_it_lacks(tmp_path, schema, lacking):
    path = publish(replace(RECORD, stage="confirm", role="winner"), tmp_path)
    content = json.loads(path.read_text()) | {"schema": schema}
    for key in lacking:
        del content[key]
    path.write_text(json.dumps(content))

    without = dict.fromkeys(lacking)
    assert read(path) == replace(RECORD, stage="confirm", schema=schema, **without)


def test_a_record_without_what_its_schema_has_is_refused(tmp_path):
    path = publish(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"schema": 3', '"schema": 1'))

    with pytest.raises(RecordError, match="fields missing or unknown: git, role, started"):
        read(path)


def test_a_metric_that_was_not_finite_is_as_good_as_absent(tmp_path):
    path = publish(replace(RECORD, metrics={"val_loss": math.nan, "penalty": 1.0}), tmp_path)

    assert read(path).metrics == {"penalty": 1.0}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("arm", {"regularizer": 1}, "arm {'regularizer': 1}, expected an object, each value text"),
        ("overrides", [1], "overrides [1], expected a list, each text"),
        ("seed", 2**63, f"seed {2**63}, expected an integer of 64 bits"),
        ("seed", True, "seed True, expected an integer of 64 bits"),
        ("trial", "3", "trial '3', expected an integer of 64 bits or null"),
        ("metrics", {"val_loss": True}, "metrics {'val_loss': True}, expected an object, each"),
        ("metrics", ["val_loss"], "metrics ['val_loss'], expected an object, each value a number"),
        ("seconds", None, "seconds None, expected a number"),
        ("status", ["failed"], "status ['failed'], expected one of completed, diverged, failed"),
        ("started", 1764000000, "started 1764000000, expected text or null"),
        ("git", False, "git False, expected text or null"),
    ],
)
def test_a_field_of_another_type_is_named(tmp_path, field, value, reason):
    path = publish(RECORD, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))

    with pytest.raises(RecordError) as caught:
        read(path)

    assert caught.value.reason.startswith(reason)


def test_a_stage_that_does_not_exist_is_refused(tmp_path):
    path = publish(RECORD, tmp_path)
    path.write_text(path.read_text().replace('"search"', '"serch"'))

    with pytest.raises(RecordError, match="stage 'serch'"):
        read(path)
