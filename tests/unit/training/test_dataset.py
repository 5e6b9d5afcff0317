from pathlib import Path

import boto3
import pytest

from contracts.dataset import DatasetError
from tests.unit.training.samples import record
from training.dataset import read_staged, read_uploaded


def test_a_record_is_read_from_the_folder_and_from_s3(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "datasets" / "pets").mkdir(parents=True)
    (tmp_path / "datasets" / "pets" / "dataset.json").write_text(record("pets").to_json())
    boto3.client("s3").put_object(Bucket=bucket, Key="datasets/pets/dataset.json", Body=record("pets").to_json())

    assert read_staged(tmp_path, "pets") == record("pets")
    assert read_uploaded(bucket, "pets") == record("pets")


def test_a_record_that_is_none_is_refused_by_its_place(tmp_path: Path, bucket: str) -> None:
    (tmp_path / "datasets" / "pets").mkdir(parents=True)
    (tmp_path / "datasets" / "pets" / "dataset.json").write_text("{}")
    boto3.client("s3").put_object(Bucket=bucket, Key="datasets/pets/dataset.json", Body=b"{}")

    with pytest.raises(DatasetError, match=f"{tmp_path}/datasets/pets/dataset.json is not the record"):
        read_staged(tmp_path, "pets")
    with pytest.raises(DatasetError, match=r"s3://the-bucket/datasets/pets/dataset.json is not the record"):
        read_uploaded(bucket, "pets")


def test_a_data_set_that_is_not_there_is_an_error_that_says_so(tmp_path: Path, bucket: str) -> None:
    with pytest.raises(DatasetError, match=r"no data set 'pets' under .*; stage it first"):
        read_staged(tmp_path, "pets")
    with pytest.raises(DatasetError, match="no data set 'pets' in the bucket 'the-bucket'; stage it first"):
        read_uploaded(bucket, "pets")
    with pytest.raises(DatasetError, match="'no-bucket'"):
        read_uploaded("no-bucket", "pets")
