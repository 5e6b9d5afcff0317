from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from contracts.dataset import DatasetError
from contracts.labels import Decision, InvalidLabels, label_key
from review.errors import ReviewError
from review.image import ReviewImage
from review.labels import ATTEMPTS, LabelConflict, Labels, read_labels
from review.queue import ReviewQueue
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def image(waiting: Waiting, queue: ReviewQueue) -> ReviewImage:
    """One that waits for a decision."""
    waiting.send(0)
    return queue.take(1)[0].image


def decision(image: ReviewImage, label: str | None = "cat", reviewer: str = "ann") -> Decision:
    return Decision(label, reviewer, "2026-11-25T10:00:00.000001+00:00", 1.5, image.reason, image.model)


@pytest.mark.drill("Review")
def test_no_decision_is_lost_when_many_people_write_the_same_label_at_once(labels: Labels, image: ReviewImage) -> None:
    names = [f"person {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: labels.add(image, decision(image, reviewer=name)), names))
    (found,) = read_labels(labels.s3, BUCKET, "pets")
    assert {one.reviewer for one in found.decisions} == {*names}
    assert found.settled


class Conflicts:
    """A client whose first writes fail with an error, after something else was written in between."""

    def __init__(self, s3: "S3Client", code: str, times: int) -> None:
        self._s3, self._code, self._times = s3, code, times
        self.between: Any = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **given: Any) -> Any:
        if self._times:
            self._times -= 1
            self.between()
            raise ClientError({"Error": {"Code": self._code, "Message": "no"}}, "PutObject")
        return self._s3.put_object(**given)


@pytest.mark.drill("Review")
@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_a_label_that_somebody_else_wrote_meanwhile_gets_both_decisions(
    labels: Labels, image: ReviewImage, code: str
) -> None:
    client: Any = Conflicts(labels.s3, code, 2)
    client.between = lambda: labels.add(image, decision(image, "dog", "bob"))
    written = replace(labels, s3=client).add(image, decision(image))
    assert [one.reviewer for one in written.decisions] == ["bob", "ann"]
    assert labels.read(image.sha256) == written


def test_a_label_that_keeps_changing_is_an_error_with_its_place(
    labels: Labels, image: ReviewImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.labels.LONGEST_PAUSE", 0)
    client: Any = Conflicts(labels.s3, "PreconditionFailed", ATTEMPTS)
    with pytest.raises(LabelConflict, match=rf"s3://workflow/labels/pets/{image.sha256}.json changed {ATTEMPTS} times"):
        replace(labels, s3=client).add(image, decision(image))


def test_another_error_of_s3_is_not_taken_for_a_conflict(labels: Labels, image: ReviewImage) -> None:
    client: Any = Conflicts(labels.s3, "AccessDenied", 1)
    with pytest.raises(ClientError, match="AccessDenied"):
        replace(labels, s3=client).add(image, decision(image))


def test_a_write_whose_answer_was_lost_is_not_written_twice(labels: Labels, image: ReviewImage) -> None:
    assert labels.add(image, decision(image)) == labels.add(image, decision(image))
    (found,) = read_labels(labels.s3, BUCKET, "pets")
    assert len(found.decisions) == 1


def test_only_the_decision_that_is_named_is_undone(labels: Labels, image: ReviewImage) -> None:
    labels.add(image, decision(image))
    labels.add(image, decision(image, "dog", "bob"))
    found = labels.undo(image.sha256, decision(image))
    assert [(one.reviewer, one.undone) for one in found.decisions] == [("ann", True), ("bob", False)]


def test_a_label_that_was_deleted_can_not_be_undone(labels: Labels, image: ReviewImage) -> None:
    with pytest.raises(ReviewError, match="nothing to undo"):
        labels.undo(image.sha256, decision(image))


def test_what_is_not_a_label_is_never_overwritten(labels: Labels, image: ReviewImage) -> None:
    key = label_key("pets", image.sha256)
    labels.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    with pytest.raises(InvalidLabels, match=key):
        labels.add(image, decision(image))
    with pytest.raises(InvalidLabels, match=key):
        read_labels(labels.s3, BUCKET, "pets")
    assert labels.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"{}"


def test_labels_are_those_of_one_data_set(labels: Labels, image: ReviewImage) -> None:
    labels.add(image, decision(image))
    assert labels.read(image.sha256)
    assert replace(labels, dataset="pet").read(image.sha256) is None
    assert read_labels(labels.s3, BUCKET, "pet") == []
    with pytest.raises(DatasetError):
        replace(labels, dataset="../pets")
