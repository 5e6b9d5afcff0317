import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image

from review.image import ReviewImage
from review.order import SIDE, describe, ranked, teaching_most, uncertainty
from review.queue import Message, ReviewQueue
from tests.unit.review.samples import Waiting, record
from tests.unit.samples import BUCKET, png


def message(number: int = 0, **changes: Any) -> Message:
    image = ReviewImage.from_body(json.dumps(record(png(), **changes)))
    return Message(str(number), "https://queue", "receipt", datetime(2026, 11, 25, tzinfo=UTC), image)


def painted(colour: str, spot: int) -> bytes:
    """Return a picture of one colour with a black square, which is elsewhere in each frame."""
    picture = Image.new("RGB", (48, 48), colour)
    picture.paste("black", (spot, 10, spot + 12, 22))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inferences": [0.5, 0.5]}, 1.0),
        ({"inferences": [1.0, 0.0]}, 0.0),
        ({"inferences": [0.2, 0.5, 0.3], "labels": ["a", "b", "c"], "label": "b"}, 0.8),
        ({"inferences": [1.0, 0.0], "familiarity": 0.01}, 0.0),
        ({"inferences": [1.0, 0.0], "familiarity": 0.01, "review_reason": "unfamiliar"}, 0.99),
        ({"inferences": [0.5, 0.5], "familiarity": 0.04, "review_reason": "unfamiliar"}, 1.0),
        ({"inferences": [0.6, 0.4], "familiarity": None, "review_reason": "unfamiliar"}, 0.8),
    ],
)
def test_the_model_knows_least_of_close_answers_and_of_what_is_unfamiliar(
    changes: dict[str, Any], expected: float
) -> None:
    assert uncertainty(message(**changes)) == pytest.approx(expected)


def test_images_that_look_alike_come_by_their_uncertainty() -> None:
    assert ranked(np.array([0.1, 0.9, 0.5]), np.zeros((3, 4))) == [1, 2, 0]


def test_images_of_which_the_model_is_as_sure_come_by_their_distance() -> None:
    looks = np.array([[0.0], [0.1], [5.0], [2.4]])
    assert ranked(np.full(4, 0.5), looks) == [0, 2, 3, 1]


def test_the_order_has_every_image_once_also_where_there_is_none() -> None:
    random = np.random.default_rng(0)
    assert sorted(ranked(random.random(50), random.random((50, 7)))) == [*range(50)]
    assert ranked(np.zeros(3), np.zeros((3, 2))) == [0, 1, 2]
    assert ranked(np.empty(0), np.empty((0, 2))) == []


def test_how_a_picture_looks_changes_with_its_subject_more_than_with_its_light() -> None:
    columns = np.tile(np.linspace(0, 200, SIDE), (SIDE, 1))
    picture = np.repeat(columns[..., None], 3, axis=2).astype(np.uint8)
    look = describe(picture)
    darker = np.linalg.norm(look - describe((picture * 0.8).astype(np.uint8)))
    turned = np.linalg.norm(look - describe(np.ascontiguousarray(picture.transpose(1, 0, 2))))
    assert darker < 0.1 < 1 < turned
    assert not describe(np.zeros((SIDE, SIDE, 3), np.uint8)).any()


def test_of_frames_of_one_scene_the_first_comes_early_and_the_others_late(waiting: Waiting, queue: ReviewQueue) -> None:
    scenes = ["red", "green", "blue", "white"]
    for number in range(20):
        key = f"incoming/{scenes[number // 5]}-{number}.png"
        data = painted(scenes[number // 5], 10 + number % 5)
        waiting.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        confidence = 0.6 + number / 100
        sent = record(data, key, inferences=[confidence, 1 - confidence], confidence=confidence)
        waiting.send_text(json.dumps(sent))
    ordered = teaching_most(waiting.s3)(queue.take(20))
    assert len({one.id for one in ordered}) == 20
    assert {one.image.s3_key.split("/")[1].split("-")[0] for one in ordered[:4]} == {*scenes}


def test_audited_images_keep_their_places(waiting: Waiting, queue: ReviewQueue) -> None:
    for number in range(6):
        audit = number % 3 == 1
        inferences = [0.5, 0.5] if audit else [0.9 - number / 20, 0.1 + number / 20]
        waiting.send(number, review_reason="audit" if audit else "low confidence", inferences=inferences)
    taken = queue.take(6)
    ordered = teaching_most(waiting.s3)(taken)
    assert [place for place, one in enumerate(ordered) if one.image.reason == "audit"] == [1, 4]
    assert [ordered[1], ordered[4]] == [taken[1], taken[4]]
    assert ordered[0].image.model.inferences == (0.65, 0.35)
    assert {one.id for one in ordered} == {one.id for one in taken}


def test_an_image_that_can_not_be_read_still_gets_a_place(waiting: Waiting, queue: ReviewQueue) -> None:
    for number in range(3):
        waiting.send(number)
    waiting.s3.delete_object(Bucket=BUCKET, Key="incoming/1.png")
    waiting.s3.put_object(Bucket=BUCKET, Key="text", Body=b"no picture")
    waiting.send_text(json.dumps(record(b"no picture", "text")))
    assert len(teaching_most(waiting.s3)(queue.take(4))) == 4


def test_each_image_is_read_once_while_it_waits(waiting: Waiting, queue: ReviewQueue) -> None:
    for number in range(3):
        waiting.send(number)
    order = teaching_most(waiting.s3)
    taken = queue.take(3)
    first = order(taken)
    waiting.s3.delete_object(Bucket=BUCKET, Key="incoming/1.png")
    assert order(first[1:]) == order(first[1:])
    assert order([]) == []
