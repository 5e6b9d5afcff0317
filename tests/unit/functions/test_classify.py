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

from contracts.answer import InvalidAnswer, LabelsDisagree, LabelsUnknown, parse_answer
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
    [("", ()), ("bicycle,motorcycle", ("bicycle", "motorcycle")), (" a , b ,c", ("a", "b", "c"))],
)
def test_labels_are_a_comma_list_or_none_to_take_the_models(text: str, labels: tuple[str, ...]) -> None:
    assert app.labels_of({"CLASS_LABELS": text}) == labels


@pytest.mark.parametrize("text", ["one", "a,,b", "a,b,a", ","])
def test_bad_labels_are_refused_by_the_variables_name(text: str) -> None:
    message = f"CLASS_LABELS must be two or more different labels with commas, not {text!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.labels_of({"CLASS_LABELS": text})


@pytest.mark.parametrize(
    ("text", "threshold"), [("", None), ("0", 0.0), ("1", 1.0), ("0.8", 0.8), ("8e-1", 0.8), (".5", 0.5)]
)
def test_a_threshold_is_a_number_from_0_to_1_or_none_to_take_the_models(text: str, threshold: float | None) -> None:
    assert app.threshold_of({"CONFIDENCE_THRESHOLD": text}) == threshold


@pytest.mark.parametrize("text", ["high", "1.5", "-0.1", "NaN", "inf", " "])
def test_a_bad_threshold_is_refused_by_the_variables_name(text: str) -> None:
    message = f"CONFIDENCE_THRESHOLD must be a number from 0 to 1, or empty, not {text!r}."
    with pytest.raises(app.ConfigurationError, match=exactly(message)):
        app.threshold_of({"CONFIDENCE_THRESHOLD": text})


def test_without_its_variables_the_function_overrides_nothing() -> None:
    assert (app.labels_of({}), app.threshold_of({})) == ((), None)


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
        (refusal("ModelError", OriginalStatusCode=501), app.ModelFailed("what it says")),
        (refusal("ModelError", OriginalStatusCode=505), app.ModelFailed("what it says")),
        (refusal("ModelError"), app.ModelFailed("what it says")),
        (refusal("ModelError", OriginalStatusCode=400), app.ImageRefused("what it says")),
        (refusal("ModelError", OriginalStatusCode=415), app.ImageRefused("what it says")),
        (refusal("ModelError", OriginalStatusCode=499), app.ImageRefused("what it says")),
        *(
            (
                refusal("ModelError", OriginalStatusCode=status),
                app.EndpointBusy(f"The model answered {status}: what it says"),
            )
            for status in (0, 429, 502, 503, 504)
        ),
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


def test_an_answer_has_its_own_labels_or_those_that_are_given() -> None:
    assert app.answer_of(b"[0.25, 0.75]", LABELS).label == "motorcycle"
    described = b'{"probabilities": [0.25, 0.75], "labels": ["cat", "dog"], "release": "r1", "threshold": null}'
    assert app.answer_of(described, ()).label == "dog"
    with pytest.raises(LabelsDisagree, match="cat,dog"):
        app.answer_of(described, LABELS)
    with pytest.raises(LabelsUnknown, match="ClassLabels"):
        app.answer_of(b"[0.25, 0.75]", ())


@pytest.mark.parametrize("body", [b"", b"{}", b"[0.2, 0.3, 0.5]", b"[NaN, 1.0]", b"[0.5, 0.4985]"])
def test_anything_else_is_an_invalid_inference_with_the_reason(body: bytes) -> None:
    with pytest.raises(InvalidAnswer) as invalid:
        parse_answer(body, LABELS)
    with pytest.raises(app.InvalidInference, match=exactly(str(invalid.value))):
        app.answer_of(body, LABELS)
