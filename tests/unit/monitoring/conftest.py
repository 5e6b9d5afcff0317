import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from tests.unit.monitoring.endpoint import Endpoint

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


@pytest.fixture
def endpoint() -> Iterator[type[Endpoint]]:
    handler = type("OneEndpoint", (Endpoint,), {"answers": [(200, b"[0.9, 0.1]")], "requests": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    handler.port = server.server_port  # type: ignore[attr-defined] # the fixture below needs it
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def runtime(aws: str, endpoint: Any) -> Iterator["SageMakerRuntimeClient"]:
    assert aws
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sagemaker-runtime", endpoint_url=f"http://127.0.0.1:{endpoint.port}", config=config)
    yield client
    client.close()
