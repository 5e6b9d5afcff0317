"""What the page's server takes: calls of AWS for a decision, and memory over many."""

import gc
import tracemalloc
from dataclasses import replace
from itertools import count

import pytest
from botocore.client import BaseClient

from contracts.labels import Decision, LabelledImage
from review.image import ReviewImage
from review.labels import Labels
from review.queue import Message, ReviewQueue
from tests.unit.review.page.visitor import Visitor
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET


def test_a_decision_waits_for_two_calls_of_aws(
    visitor: Visitor, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.send(0)
    (image,) = visitor.images(1)
    called: list[str] = []
    original = BaseClient._make_api_call  # type: ignore[attr-defined]  # through which every method goes

    def call(self: BaseClient, operation: str, parameters: object) -> object:
        called.append(operation)
        return original(self, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert "error" not in visitor.decide(image, "cat")
    # Messages are fetched and deleted in the background.
    assert [operation for operation in called if "Message" not in operation] == ["GetObject", "PutObject"]


def test_memory_stays_flat_over_many_decisions(
    visitor: Visitor, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue never ends, and neither it nor S3 keeps anything."""
    waiting.send(0)
    (message,) = visitor.review.session._queue.take(1)
    numbers = count()

    def take(_: ReviewQueue, wanted: int) -> list[Message]:
        return [replace(message, id=str(next(numbers)), receipt="x" * 400) for _ in range(wanted)]

    def add(_: Labels, image: ReviewImage, decision: Decision) -> LabelledImage:
        return LabelledImage("0" * 64, BUCKET, image.s3_key, None, (decision,))

    for owner, name, instead in (
        (ReviewQueue, "take", take),
        (ReviewQueue, "count", lambda _: 1000),
        (ReviewQueue, "delete", lambda *_: []),
        (ReviewQueue, "extend", lambda *_: []),
        (Labels, "read", lambda *_: None),
        (Labels, "add", add),
    ):
        monkeypatch.setattr(owner, name, instead)

    def decide(decisions: int) -> int:
        for _ in range(decisions):
            (image,) = visitor.images(1)
            visitor.post("/show", ids=[image["id"]])
            assert "error" not in visitor.decide(image, "cat")
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = decide(100)
        # Each has a receipt of 400 bytes, which would show if any of it was kept.
        assert decide(300) - before < 60_000
    finally:
        tracemalloc.stop()
