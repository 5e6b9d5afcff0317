import base64
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.stub import Stubber

from functions.classify import app

LABELS = ("bicycle", "motorcycle")


def refusal(code: str, **more: Any) -> ClientError:
    response: Mapping[str, Any] = {"Error": {"Code": code, "Message": "what it says"}} | more
    return ClientError(response, "InvokeEndpoint")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "labels"),
    [("bicycle,motorcycle", ("bicycle", "motorcycle")), (" a , b ,c", ("a", "b", "c"))],
)
def test_labels_are_a_comma_list(text: str, labels: tuple[str, ...]) -> None:
    assert app.labels_of({"CLASS_LABELS": text}) == labels


@pytest.mark.parametrize("text", [None, "", "one", "a,,b", "a,b,a", ","])
def test_bad_labels_are_refused_by_the_variables_name(text: str | None) -> None:
    with pytest.raises(app.ConfigurationError, match="CLASS_LABELS"):
        app.labels_of({} if text is None else {"CLASS_LABELS": text})


def test_a_missing_endpoint_is_refused_by_the_variables_name() -> None:
    with pytest.raises(app.ConfigurationError, match="ENDPOINT_NAME"):
        app.endpoint_of({})


@pytest.mark.parametrize(
    "event", [None, [], {}, {"image_data": None}, {"image_data": 1}, {"image_data": "not base64!"}]
)
def test_an_event_without_an_image_is_invalid(event: object) -> None:
    with pytest.raises(app.InvalidEvent, match="image_data"):
        app.image_of(event)


def test_the_image_is_decoded_from_base64() -> None:
    assert app.image_of({"image_data": base64.b64encode(b"\x89PNG").decode()}) == b"\x89PNG"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("ThrottlingException"), app.EndpointBusy),
        (refusal("ServiceUnavailable"), app.EndpointBusy),
        (refusal("ModelNotReadyException"), app.EndpointBusy),
        (refusal("InternalFailure"), app.EndpointBusy),
        (refusal("ModelError", OriginalStatusCode=500), app.ModelFailed),
        (refusal("ModelError", OriginalStatusCode=503), app.ModelFailed),
        (refusal("ModelError", OriginalStatusCode=0), app.ModelFailed),
        (refusal("ModelError"), app.ModelFailed),
        (refusal("ModelError", OriginalStatusCode=400), app.ImageRefused),
        (refusal("ModelError", OriginalStatusCode=415), app.ImageRefused),
        (refusal("ModelError", OriginalStatusCode=429), app.EndpointBusy),
        (refusal("ValidationError"), app.EndpointNotFound),
        (refusal("AccessDeniedException"), ClientError),
    ],
)
def test_each_of_sagemakers_errors_has_the_name_that_the_state_machine_acts_on(
    error: ClientError, expected: type[Exception]
) -> None:
    assert type(app.translated(error)) is expected


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="u"),
        ConnectTimeoutError(endpoint_url="u"),
        EndpointConnectionError(endpoint_url="u"),
        ConnectionClosedError(endpoint_url="u"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_busy(error: Exception) -> None:
    runtime = boto3.client("sagemaker-runtime")

    def fail(**_: object) -> None:
        raise error

    runtime.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", fail)
    with pytest.raises(app.EndpointBusy, match="didn't answer"):
        app.invoke(runtime, "endpoint", b"image", "id")


def test_the_request_carries_its_inference_id_and_content_type() -> None:
    runtime = boto3.client("sagemaker-runtime")
    with Stubber(runtime) as stub:
        stub.add_client_error(
            "invoke_endpoint",
            "ModelError",
            "too small",
            modeled_fields={"OriginalStatusCode": 415},
            expected_params={
                "EndpointName": "endpoint",
                "ContentType": "application/x-image",
                "InferenceId": "id",
                "Body": b"image",
            },
        )
        with pytest.raises(app.ImageRefused, match="too small"):
            app.invoke(runtime, "endpoint", b"image", "id")


@pytest.mark.parametrize("answer", [b"[0.25, 0.75]", b"[0, 1]", b"[0.2504, 0.7501]", b" [1.0, 0.0]\n"])
def test_probabilities_for_every_label_are_an_inference(answer: bytes) -> None:
    assert len(app.inferences_of(answer, LABELS)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json",
        b"{}",
        b"0.5",
        b"[]",
        b"[1.0]",
        b"[0.2, 0.3, 0.5]",
        b"[[0.2, 0.8]]",
        b'["0.2", "0.8"]',
        b"[true, false]",
        b"[null, 1.0]",
        b"[NaN, 1.0]",
        b"[Infinity, 0.0]",
        b"[-0.1, 1.1]",
        b"[0.5, 0.4985]",
        b"[0.5, 0.5015]",
    ],
)
def test_anything_else_is_an_invalid_inference(answer: bytes) -> None:
    with pytest.raises(app.InvalidInference):
        app.inferences_of(answer, LABELS)
