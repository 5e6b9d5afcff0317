"""The records of a job and of a model."""

import dataclasses
import json
from pathlib import Path

import pytest

from contracts.release import parse_release
from tests.unit.contracts.test_release import RECORD
from training.errors import ModelRecordError
from training.model import Job, Model

MODEL = Model(
    training_job="job-1",
    algorithm="scratch-32",
    image="registry/image:1",
    region="us-east-1",
    dataset="sample",
    dataset_sha256="a" * 64,
    labels=("bicycle", "motorcycle"),
    max_side=32,
    exact=True,
    artifact="s3://bucket/models/job-1/output/model.tar.gz",
    metrics={"validation:accuracy": 0.9},
    billable_seconds=12,
)


def test_a_record_reads_as_it_was_written(tmp_path: Path) -> None:
    MODEL.write(tmp_path / "out" / "model.json")
    assert Model.read(tmp_path / "out" / "model.json") == MODEL


def test_a_release_is_read_as_it_was_written(tmp_path: Path) -> None:
    described = dataclasses.replace(MODEL, release=parse_release(json.dumps(RECORD).encode()))
    assert described.release is not None
    described.write(tmp_path / "model.json")
    assert Model.read(tmp_path / "model.json") == described


def test_a_release_that_is_none_is_refused(tmp_path: Path) -> None:
    MODEL.write(tmp_path / "model.json")
    record = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(record | {"release": {"labels": []}}))
    with pytest.raises(ModelRecordError, match="train again"):
        Model.read(tmp_path / "model.json")


def test_writing_leaves_nothing_beside_the_record(tmp_path: Path) -> None:
    MODEL.write(tmp_path / "model.json")
    MODEL.write(tmp_path / "model.json")
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_a_model_is_a_record_of_its_job_too(tmp_path: Path) -> None:
    MODEL.write(tmp_path / "model.json")
    job = Job.read(tmp_path / "model.json")
    assert dataclasses.asdict(job).items() <= dataclasses.asdict(MODEL).items()


def test_a_missing_record_says_to_train_first(tmp_path: Path) -> None:
    with pytest.raises(ModelRecordError, match="train a model first"):
        Model.read(tmp_path / "model.json")


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"training_job": "x"}), json.dumps({"labels": None})])
def test_a_broken_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelRecordError, match="train again"):
        Model.read(tmp_path / "model.json")
