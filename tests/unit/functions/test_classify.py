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
from tests.messages import exactly

LABELS = ("bicycle", "motorcycle")
# Errors after which the same request may succeed:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
BUSY = (
    "InternalDependencyException",
    "InternalFailure",
    "ModelNotReadyException",
    "ServiceUnavailable",
    "ThrottlingException",
)


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
    message = f"CLASS_LABELS must be two or more different labels with commas, not {text or ''!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.labels_of({} if text is None else {"CLASS_LABELS": text})


@pytest.mark.parametrize("environment", [{}, {"ENDPOINT_NAME": ""}])
def test_a_missing_endpoint_is_refused_by_the_variables_name(environment: dict[str, str]) -> None:
    with pytest.raises(app.ConfigurationError, match=exactly("ENDPOINT_NAME must name the endpoint to ask.")):
        app.endpoint_of(environment)


def test_the_endpoint_is_the_one_that_the_variable_names() -> None:
    assert app.endpoint_of({"ENDPOINT_NAME": "pedals"}) == "pedals"


@pytest.mark.parametrize(
    "event",
    [None, [], {}, {"image_data": None}, {"image_data": 1}, {"image_data": "not base64!"}, {"image_data": "!QUJD"}],
)
def test_an_event_without_an_image_is_invalid(event: object) -> None:
    with pytest.raises(app.InvalidEvent, match=exactly("The event must have image_data, an image in base64.")):
        app.image_of(event)


def test_the_image_is_decoded_from_base64() -> None:
    assert app.image_of({"image_data": base64.b64encode(b"\x89PNG").decode()}) == b"\x89PNG"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *((refusal(code), app.EndpointBusy(f"{code}: what it says")) for code in BUSY),
        (refusal("ModelError", OriginalStatusCode=500), app.ModelFailed("what it says")),
        (refusal("ModelError", OriginalStatusCode=503), app.ModelFailed("what it says")),
        (refusal("ModelError", OriginalStatusCode=0), app.ModelFailed("what it says")),
        (refusal("ModelError"), app.ModelFailed("what it says")),
        (refusal("ModelError", OriginalStatusCode=400), app.ImageRefused("what it says")),
        (refusal("ModelError", OriginalStatusCode=415), app.ImageRefused("what it says")),
        (refusal("ModelError", OriginalStatusCode=499), app.ImageRefused("what it says")),
        (refusal("ModelError", OriginalStatusCode=429), app.EndpointBusy("The model answered 429: what it says")),
        (refusal("ValidationError"), app.EndpointNotFound("what it says")),
    ],
)
def test_each_of_sagemakers_errors_has_the_name_that_the_state_machine_acts_on(
    error: ClientError, expected: Exception
) -> None:
    translated = app.translated(error)
    assert (type(translated), str(translated)) == (type(expected), str(expected))


def test_a_missing_permission_stays_a_fault_of_the_system() -> None:
    error = refusal("AccessDeniedException")
    assert app.translated(error) is error


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
    with pytest.raises(app.EndpointBusy, match=r"\Aendpoint didn't answer: "):
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


@pytest.mark.parametrize(
    ("answer", "inferences"),
    [
        (b"[0.25, 0.75]", [0.25, 0.75]),
        (b"[0, 1]", [0.0, 1.0]),
        (b"[0.2504, 0.7501]", [0.2504, 0.7501]),
        (b" [1.0, 0.0]\n", [1.0, 0.0]),
    ],
)
def test_probabilities_for_every_label_are_an_inference(answer: bytes, inferences: list[float]) -> None:
    found = app.inferences_of(answer, LABELS)
    assert found == inferences
    assert {type(value) for value in found} == {float}


NOT_A_LIST = "The model's answer isn't a list of 2 probabilities."
NOT_A_NUMBER = "The model's answer has a value that isn't a number from 0 to 1."


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "The model's answer isn't JSON."),
        (b"not json", "The model's answer isn't JSON."),
        (b"{}", NOT_A_LIST),
        (b'{"a": 0.5, "b": 0.5}', NOT_A_LIST),
        (b"0.5", NOT_A_LIST),
        (b"[]", NOT_A_LIST),
        (b"[1.0]", NOT_A_LIST),
        (b"[0.2, 0.3, 0.5]", NOT_A_LIST),
        (b"[[0.2, 0.8]]", NOT_A_LIST),
        (b'["0.2", "0.8"]', NOT_A_NUMBER),
        (b"[true, false]", NOT_A_NUMBER),
        (b"[null, 1.0]", NOT_A_NUMBER),
        (b"[NaN, 1.0]", NOT_A_NUMBER),
        (b"[Infinity, 0.0]", NOT_A_NUMBER),
        (b"[-0.1, 1.1]", NOT_A_NUMBER),
        (b"[0.0, 1.0005]", NOT_A_NUMBER),
        (b"[0.5, 0.4985]", "The model's probabilities sum to 0.9985, not 1."),
        (b"[0.5, 0.5015]", "The model's probabilities sum to 1.0015, not 1."),
    ],
)
def test_anything_else_is_an_invalid_inference(answer: bytes, message: str) -> None:
    with pytest.raises(app.InvalidInference, match=exactly(message)):
        app.inferences_of(answer, LABELS)


@pytest.mark.parametrize("answer", [b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000, b'{"a":' * 100_000])
def test_an_answer_nested_deeper_than_any_reader_goes_is_an_invalid_inference(answer: bytes) -> None:
    with pytest.raises(app.InvalidInference, match="isn't JSON"):
        app.inferences_of(answer, ("a", "b"))
