from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from training.dataset import Dataset, Sample, format_lst, parse_lst, prefix
from training.errors import DatasetError

DATASET = Dataset(
    name="pets",
    classes=("cat", "dog"),
    image_size=32,
    counts={"train": {"cat": 3, "dog": 2}, "test": {"cat": 1, "dog": 1}},
    source="a folder",
    source_sha256="0" * 64,
    sha256="1" * 64,
)


INCOMPLETE = DATASET.to_json().replace('"source"', '"sauce"')


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="the-bucket")
        yield "the-bucket"


def test_a_record_survives_json_folder_and_s3(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "datasets" / "pets").mkdir(parents=True)
    (tmp_path / "datasets" / "pets" / "dataset.json").write_text(DATASET.to_json())
    boto3.client("s3").put_object(Bucket=bucket, Key="datasets/pets/dataset.json", Body=DATASET.to_json())

    assert Dataset.from_json(DATASET.to_json()) == DATASET
    assert Dataset.from_folder(tmp_path, "pets") == DATASET
    assert Dataset.from_s3(bucket, "pets") == DATASET


def test_counts_add_up_by_split() -> None:
    assert (DATASET.count("train"), DATASET.count("test")) == (5, 2)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", INCOMPLETE, '{"name": "pets"}', b"\xff"])
def test_a_record_that_is_none_is_refused(text: str | bytes) -> None:
    with pytest.raises(DatasetError, match="stage it again"):
        Dataset.from_json(text)


def test_a_data_set_that_is_not_there_is_an_error_that_says_so(tmp_path: Path, bucket: str) -> None:
    with pytest.raises(DatasetError, match=r"no data set 'pets' under .*; stage it first"):
        Dataset.from_folder(tmp_path, "pets")
    with pytest.raises(DatasetError, match="no data set 'pets' in the bucket 'the-bucket'; stage it first"):
        Dataset.from_s3(bucket, "pets")
    with pytest.raises(DatasetError, match="'no-bucket'"):
        Dataset.from_s3("no-bucket", "pets")


@pytest.mark.parametrize("name", ["a", "cifar100", "my_pets-2", "a" * 63])
def test_a_plain_name_is_taken(name: str) -> None:
    assert prefix(name) == f"datasets/{name}"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "a b", "-a", "a\n", "a" * 64, "é"])
def test_a_name_that_is_no_part_of_a_key_is_refused(name: str) -> None:
    with pytest.raises(DatasetError, match="can't name a data set"):
        prefix(name)


def test_a_list_survives_writing_and_reading() -> None:
    samples = [Sample(0, 1, "a.png"), Sample(1, 0, "b c.png")]

    assert format_lst(samples) == "0\t1\ta.png\n1\t0\tb c.png\n"
    assert parse_lst(format_lst(samples)) == samples


@pytest.mark.parametrize("line", ["1 0 a.png", "1\t0", "1\t0\ta\tb", "x\t0\ta.png", "1\t0.5\ta.png", ""])
def test_a_line_that_is_no_sample_is_named(line: str) -> None:
    with pytest.raises(DatasetError, match="line 2 "):
        parse_lst(f"0\t0\ta.png\n{line}\n")
