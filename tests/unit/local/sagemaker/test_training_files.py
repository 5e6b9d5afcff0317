"""What S3 and a request name becomes files of the job's own folder, or nothing."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contracts.files import UnsafeName
from local.sagemaker.container import unpack
from local.sagemaker.training_files import ChannelEmpty, TrainingFiles


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client


def files(base: Path, s3: Any, channel: str = "train", uri: str = "s3://bucket/data/", **more: Any) -> TrainingFiles:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    record = {"TrainingJobName": "job", "InputDataConfig": [{"ChannelName": channel, "DataSource": source}], **more}
    return TrainingFiles(base, record, s3)


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_keys_under_the_prefix_are_the_channels_files(tmp_path: Path, s3: Any) -> None:
    # A key that ends in a slash is what the console makes for a folder.
    for key in ("data/", "data/inner/", "data/a.png", "data/inner/ä b.png", "elsewhere/c.png"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"x")
    files(tmp_path / "ml", s3).prepare()
    assert written(tmp_path / "ml/input/data") == {"train/a.png", "train/inner/ä b.png"}


def test_a_prefix_with_nothing_but_its_folder_is_empty(tmp_path: Path, s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="data/")
    with pytest.raises(ChannelEmpty, match="No S3 objects found"):
        files(tmp_path / "ml", s3).prepare()


@pytest.mark.parametrize(
    "key",
    [
        "data/../../../../evil",
        "data/..",
        "data//evil",
        "data/a/../../evil",
        "data/C:evil",
        "data/..\\evil",
        "data/a\nb",
        "data/" + "x" * 256,
        "data/./evil",
    ],
    ids=lambda key: ascii(key[:24]),
)
@pytest.mark.parametrize("checkpoints", [False, True])
def test_a_key_that_leads_out_of_the_channel_or_of_the_checkpoints_is_refused_by_name(
    tmp_path: Path, s3: Any, key: str, checkpoints: bool
) -> None:
    s3.put_object(Bucket="bucket", Key="good/a.png", Body=b"good")
    s3.put_object(Bucket="bucket", Key=key, Body=b"evil")
    good = files(tmp_path / "ml", s3, uri="s3://bucket/good/", CheckpointConfig={"S3Uri": "s3://bucket/data"})
    with pytest.raises(UnsafeName, match=r"can't be the name of a file"):
        (good if checkpoints else files(tmp_path / "ml", s3)).prepare()
    assert written(tmp_path) & {"evil", "ml/evil"} == set()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"evil"]


@pytest.mark.parametrize("channel", ["..", "../..", "/evil", "a/../../b", "."])
def test_a_channel_can_not_be_named_out_of_the_folder(tmp_path: Path, s3: Any, channel: str) -> None:
    s3.put_object(Bucket="bucket", Key="data/a.png", Body=b"evil")
    with pytest.raises(UnsafeName):
        files(tmp_path / "ml", s3, channel).prepare()
    assert not list(tmp_path.rglob("a.png"))


@pytest.mark.parametrize("data", [set(), {"out_of_fold.csv", "inner/more.txt"}], ids=["none", "some"])
def test_what_a_program_leaves_in_output_data_is_uploaded_beside_the_model(
    tmp_path: Path, s3: Any, data: set[str]
) -> None:
    job = files(tmp_path / "ml", s3, OutputDataConfig={"S3OutputPath": "s3://bucket/models/"})
    for path in (tmp_path / "ml/model/model.json", *(tmp_path / "ml/output/data" / name for name in data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    assert job.upload_model() == "s3://bucket/models/job/output/model.tar.gz"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="bucket")["Contents"]]
    assert keys == ["models/job/output/model.tar.gz", *(["models/job/output/output.tar.gz"] if data else [])]
    for key in keys[1:]:
        (tmp_path / "output.tar.gz").write_bytes(s3.get_object(Bucket="bucket", Key=key)["Body"].read())
        unpack(tmp_path / "output.tar.gz", tmp_path / "unpacked")
        assert written(tmp_path / "unpacked") == data
