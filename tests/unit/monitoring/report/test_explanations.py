from typing import TYPE_CHECKING

import pytest

from monitoring.capture.records import CaptureRecord, parse_file
from monitoring.report.explanations import EXPLAINED, explain
from monitoring.report.gallery import Pair
from tests.unit.monitoring.endpoint import Endpoint
from tests.unit.samples import answered, captured, execution, lines, png

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

FILE = "capture/pedals/AllTraffic/2026/11/23/09/00-00-000-a.jsonl"
LOOKED = [[0.25, 0.75]]


def pair(number: int, release: str | None = "r1", data: str | None = None) -> Pair:
    [record] = parse_file(FILE, lines(captured(f"e{number}", f"i{number}", data=data)))
    assert isinstance(record, CaptureRecord)
    return Pair(execution(number, release=release), record)


def test_the_endpoint_is_asked_again_with_what_it_got_and_only_about_the_first_images(
    endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient"
) -> None:
    endpoint.answers = [(200, answered(explanation=LOOKED).encode())]
    found = explain([pair(number) for number in range(EXPLAINED + 1)], runtime=runtime)
    assert found.by_event == {f"e{number}": ((0.25, 0.75),) for number in range(EXPLAINED)}
    assert found.note is None
    path, headers, body = endpoint.requests[0]
    assert path == "/endpoints/pedals/invocations"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "explain"
    assert "x-amzn-sagemaker-inference-id" not in headers
    assert body == png()


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (200, answered(), "pedals can't tell."),
        (200, answered(release="r2", explanation=LOOKED), "another release has taken its place."),
        (200, "[0.9, 0.1]", "names no labels"),
        (400, "gone", "did not classify"),
    ],
)
def test_an_endpoint_that_does_not_tell_is_asked_once_and_the_reason_is_said(
    endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient", status: int, answer: str, why: str
) -> None:
    endpoint.answers = [(status, answer.encode())]
    found = explain([pair(1), pair(2)], runtime=runtime)
    assert found.by_event == {}
    assert len(endpoint.requests) == 1
    assert found.note is not None
    assert found.note.startswith("Where the model looked is not shown")
    assert why in found.note


def test_an_answer_without_a_release_is_not_asked_about(
    endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient"
) -> None:
    found = explain([pair(1, release=None)], runtime=runtime)
    assert found.note == "Where the model looked is not shown: the captured answers name no release."
    assert endpoint.requests == []


def test_what_was_told_before_a_record_that_is_damaged_is_kept(
    endpoint: type[Endpoint], runtime: "SageMakerRuntimeClient"
) -> None:
    endpoint.answers = [(200, answered(explanation=LOOKED).encode())]
    found = explain([pair(1), pair(2, data="%")], runtime=runtime)
    assert list(found.by_event) == ["e1"]
    assert "not BASE64" in str(found.note)
