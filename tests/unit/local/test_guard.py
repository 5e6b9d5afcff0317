"""The local stack answers requests that are signed by its own key, under its own address, from no page."""

import http.client
import io
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.guard import Guard
from local.stack import new_credentials

KEYS = new_credentials()
OTHERS = new_credentials()
KEY = "a folder/häuser+100%/x=1&y=(2)~!*'.png"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    guard = Guard(DomainDispatcherApplication(create_backend_app), KEYS, {"172.17.0.1"})
    server = make_server("127.0.0.1", 0, guard, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    client("s3", f"http://127.0.0.1:{server.port}").create_bucket(Bucket="bucket")
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def client(service: Any, url: str, keys: dict[str, str] = KEYS, **options: Any) -> Any:
    return boto3.client(
        service,
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, **options),
    )


def signed(url: str, path: str, keys: dict[str, str] = KEYS) -> dict[str, str]:
    """Return the headers of a signed GET."""
    request = AWSRequest("GET", url + path, {"Host": urlsplit(url).netloc})
    credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def status(url: str, path: str, headers: dict[str, str], method: str = "GET") -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=20)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-control")]
        return answer.status


def test_the_sdk_is_answered_whatever_it_sends(url: str) -> None:
    s3 = client("s3", url)
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"some bytes", Metadata={"note": "two  spaces"})
    assert s3.get_object(Bucket="bucket", Key=KEY)["Body"].read() == b"some bytes"
    s3.upload_fileobj(io.BytesIO(bytes(9_000_000)), "bucket", "large")
    assert s3.head_object(Bucket="bucket", Key="large")["ContentLength"] == 9_000_000
    assert {one["Key"] for one in s3.list_objects_v2(Bucket="bucket", Prefix="a folder/h")["Contents"]} == {KEY}
    queue = client("sqs", url).create_queue(QueueName="queue")["QueueUrl"]
    client("sqs", url).send_message(QueueUrl=queue, MessageBody="ä" * 1_000)
    client("logs", url).create_log_group(logGroupName="/aws/lambda/x")
    function = "arn:aws:lambda:us-east-1:123456789012:function:none"
    with pytest.raises(ClientError, match="Function not found"):
        client("lambda", url).invoke(FunctionName=function, Payload=b"{}")
    client("cloudwatch", url).put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}])


@pytest.mark.parametrize(
    "keys",
    [
        OTHERS,
        KEYS | {"AWS_SECRET_ACCESS_KEY": OTHERS["AWS_SECRET_ACCESS_KEY"]},
        KEYS | {"AWS_ACCESS_KEY_ID": OTHERS["AWS_ACCESS_KEY_ID"]},
    ],
    ids=["another key", "another secret", "another name"],
)
@pytest.mark.drill("Hostile programs and pages")
def test_a_request_signed_by_another_key_changes_nothing(url: str, keys: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="workflow local") as caught:
        client("s3", url, keys).put_object(Bucket="bucket", Key="foreign", Body=b"x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with pytest.raises(ClientError, match="workflow local"):
        client("sqs", url, keys).create_queue(QueueName="foreign")
    assert "Contents" not in client("s3", url).list_objects_v2(Bucket="bucket", Prefix="foreign")
    assert "QueueUrls" not in client("sqs", url).list_queues(QueueNamePrefix="foreign")


@pytest.mark.drill("Hostile programs and pages")
def test_a_signed_request_is_answered_under_the_stacks_own_hosts_alone(url: str) -> None:
    port = urlsplit(url).port
    for host, expected in (
        (f"127.0.0.1:{port}", 200),
        (f"localhost:{port}", 200),
        (f"[::1]:{port}", 200),
        (f"172.17.0.1:{port}", 200),
        (f"rebound.example:{port}", 403),
        (f"127.0.0.1.example:{port}", 403),
        ("[", 403),
        ("", 403),
    ):
        assert (
            status(
                url, "/bucket", signed(f"http://{host}" if host not in {"", "["} else url, "/bucket") | {"Host": host}
            )
            == expected
        )


@pytest.mark.parametrize(
    "page",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.drill("Hostile programs and pages")
def test_a_page_is_refused_even_with_the_right_signature(url: str, page: dict[str, str]) -> None:
    assert status(url, "/bucket", signed(url, "/bucket")) == 200
    assert status(url, "/bucket", signed(url, "/bucket") | page) == 403


@pytest.mark.parametrize("path", ["/", "/bucket", "/_local/processes", "/moto-api/", "/moto-api/reset"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "DELETE"])
@pytest.mark.drill("Hostile programs and pages")
def test_an_unsigned_request_is_refused_on_every_path(url: str, path: str, method: str) -> None:
    assert status(url, path, {}, method) == 403


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer token",
        "AWS4-HMAC-SHA256 Credential=",
        f"AWS4-HMAC-SHA256 Credential={KEYS['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/s3/aws4_request",
        f"AWS {KEYS['AWS_ACCESS_KEY_ID']}:c2lnbmF0dXJl",
        f"AWS4-HMAC-SHA256 Credential={KEYS['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}",
        "AWS4-HMAC-SHA256 Credential=L\xd6CAL/20260101/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host, Signature={'0' * 64}",
    ],
    ids=[
        "nothing",
        "another kind",
        "a name alone",
        "no signature",
        "an old version",
        "zeros",
        "a letter that no key has",
    ],
)
def test_a_header_that_is_no_signature_is_refused(url: str, authorization: str) -> None:
    assert status(url, "/bucket", {"Authorization": authorization}) == 403


def test_a_signature_does_not_fit_another_path_or_method(url: str) -> None:
    headers = signed(url, "/bucket")
    assert status(url, "/bucket?versioning", headers) == 403
    assert status(url, "/other", headers) == 403
    assert status(url, "/bucket", headers, "DELETE") == 403


def test_keys_differ_from_stack_to_stack() -> None:
    assert len({new_credentials()["AWS_ACCESS_KEY_ID"] for _ in range(100)}) == 100
