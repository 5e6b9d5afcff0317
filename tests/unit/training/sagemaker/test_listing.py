"""What SageMaker's list says of an endpoint, also while it is being deleted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from training.sagemaker import polling
from training.sagemaker.listing import is_deleted, listed, wait_until_gone


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker", region_name="us-east-1")


@pytest.fixture
def answers(sagemaker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """The answers of SageMaker, each of which is asked for, without a pause."""
    monkeypatch.setattr(polling, "SHORTEST", 0.0)
    with Stubber(sagemaker) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def add(answers: Stubber, *endpoints: tuple[str, str], more: str = "") -> None:
    """Let SageMaker answer a page of endpoints by their names and states."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    summaries = [
        {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}",
            "CreationTime": at,
            "LastModifiedTime": at,
            "EndpointStatus": status,
        }
        for name, status in endpoints
    ]
    answers.add_response("list_endpoints", {"Endpoints": summaries} | ({"NextToken": more} if more else {}))


@pytest.mark.parametrize(("status", "deleted"), [("InService", False), ("Creating", False), ("Deleting", True)])
def test_an_endpoint_is_deleted_as_soon_as_its_deletion_began(
    sagemaker: Any, answers: Stubber, status: str, deleted: bool
) -> None:
    add(answers, ("pets", status))
    assert is_deleted(sagemaker, "pets") is deleted


def test_an_endpoint_whose_name_only_begins_alike_is_another(sagemaker: Any, answers: Stubber) -> None:
    add(answers, ("pets-dev", "InService"))
    assert is_deleted(sagemaker, "pets")


def test_an_endpoint_is_found_on_a_later_page(sagemaker: Any, answers: Stubber) -> None:
    add(answers, ("pets-dev", "InService"), more="there is another")
    add(answers, ("pets", "Updating"))
    found = listed(sagemaker, "pets")
    assert found is not None
    assert found["EndpointStatus"] == "Updating"


def test_the_end_of_a_deletion_is_waited_for(sagemaker: Any, answers: Stubber) -> None:
    for _ in range(2):
        add(answers, ("pets", "Deleting"))
    add(answers)
    wait_until_gone(sagemaker, "pets")
