"""What the page's server takes: time for a decision, and memory over many."""

import gc
import time
import tracemalloc
from dataclasses import replace
from itertools import count
from statistics import median

import pytest

from contracts.labels import Decision, LabelledImage
from review.image import ReviewImage
from review.labels import Labels
from review.queue import Message, ReviewQueue
from tests.unit.review.page.visitor import Visitor
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET


def test_a_decision_takes_less_than_a_tenth_of_a_second_of_the_servers_time(visitor: Visitor, waiting: Waiting) -> None:
    """S3 and SQS answer on this machine; the median, as other programs share the processor."""
    for number in range(15):
        waiting.send(number)
    taken = []
    for image in visitor.images(15):
        began = time.perf_counter()
        assert "error" not in visitor.decide(image, "cat")
        taken.append(time.perf_counter() - began)
    assert median(taken) < 0.1


def test_memory_stays_flat_over_2000_decisions(
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
        before = decide(300)
        assert decide(2000) - before < 100_000
    finally:
        tracemalloc.stop()
