import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

from contracts.dataset import RECORD, SPLITS, DatasetRecord, ListEntry, format_lst
from tests.conftest import led_to
from tests.unit.samples import BUCKET, CLASSES, DATASET, png

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """Moto on loopback, with state machines that really run."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def led_to_moto(request: pytest.FixtureRequest) -> Iterator[None]:
    """Point the SDK's own variables to moto, in a test that uses it."""
    if "aws" not in request.fixturenames:
        yield
        return
    url = request.getfixturevalue("aws")
    credentials = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with led_to(credentials | {"AWS_ENDPOINT_URL": url, "MOTO_PORT": url.rsplit(":", 1)[1]}):
        yield


@pytest.fixture
def s3(aws: str) -> Iterator["S3Client"]:
    """A client, and an empty bucket named BUCKET."""
    client = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=BUCKET)
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()


@pytest.fixture
def dataset(s3: "S3Client") -> str:
    """Three bicycles, then two motorcycles to test, and the same to train, staged in the bucket."""
    entries = [ListEntry(i, label, f"image_{i}.png") for i, label in enumerate([0, 0, 0, 1, 1])]
    counts = {split: {"bicycle": 3, "motorcycle": 2} for split in SPLITS}
    record = DatasetRecord(DATASET, CLASSES, 32, True, counts, "drawn", "0" * 64, "1" * 64)
    s3.put_object(Bucket=BUCKET, Key=f"{record.folder}/{RECORD}", Body=record.to_json().encode())
    for split in SPLITS:
        s3.put_object(Bucket=BUCKET, Key=f"{record.folder}/{split}.lst", Body=format_lst(entries).encode())
        for entry in entries:
            s3.put_object(Bucket=BUCKET, Key=f"{record.folder}/{split}/{entry.file}", Body=png(entry.index))
    return DATASET


@pytest.fixture
def machine(aws: str) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Creates a Standard state machine from its states and gives its ARN."""
    client = boto3.client("stepfunctions", endpoint_url=aws)
    arns: list[str] = []

    def create(states: dict[str, Any], kind: Any = "STANDARD") -> str:
        arn = client.create_state_machine(
            name=f"machine-{len(arns)}",
            definition=json.dumps({"StartAt": next(iter(states)), "States": states}),
            roleArn="arn:aws:iam::123456789012:role/machine",
            type=kind,
        )["stateMachineArn"]
        arns.append(arn)
        return arn

    yield create
    for arn in arns:
        client.delete_state_machine(stateMachineArn=arn)
    client.close()
