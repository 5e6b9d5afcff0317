import io
import os
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from PIL import Image

from contracts.labels import Decision
from review.labels import Labels, read_labels
from review.page.explaining import MAX_SIDE
from review.session import Session
from tests.unit.review.page.visitor import Visitor
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET, answered, png

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"


def written(labels: Labels) -> list[Decision]:
    """Return all decisions."""
    return [decision for image in read_labels(labels.s3, BUCKET, labels.dataset) for decision in image.decisions]


def test_a_page_gets_what_it_shows_of_an_image(visitor: Visitor, waiting: Waiting) -> None:
    waiting.send(0)
    answer = visitor.post("/next", count=5).get_json()
    (image,) = answer["images"]
    assert (answer["decided"], answer["left"], answer["unreadable"]) == (0, 1, 0)
    assert (image["name"], image["reason"], image["labels"]) == ("0.png", "low confidence", ["cat", "dog"])
    assert image["answer"]["probabilities"] == [0.7, 0.3]
    assert (image["answer"]["label"], image["answer"]["threshold"]) == ("cat", 0.93)
    picture = visitor.get(f"/image/{image['id']}")
    assert (picture.data, picture.content_type) == (png(0), "image/png")
    small = visitor.get(f"/image/{image['id']}?thumbnail")
    assert small.content_type == "image/jpeg"


@pytest.mark.parametrize("label", ["cat", "dog", None])
def test_a_decision_is_written_with_who_made_it(
    visitor: Visitor, waiting: Waiting, labels: Labels, label: str | None
) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    assert visitor.post("/show", ids=[image["id"]]).status_code == 204
    assert "error" not in visitor.decide(image, label)
    (decision,) = written(labels)
    assert (decision.label, decision.reviewer, decision.undone) == (label, "ann", False)
    assert decision.seconds is not None
    assert visitor.post("/next", count=5).get_json()["decided"] == 1
    assert visitor.images() == []


def test_the_models_answer_to_an_audited_image_stays_hidden_until_it_is_decided(
    visitor: Visitor, waiting: Waiting
) -> None:
    waiting.send(0, review_reason="audit", outcome="ACCEPTED", label="dog", inferences=[0.02, 0.98], confidence=0.98)
    answer = visitor.post("/next", count=5)
    assert "0.98" not in answer.text
    (image,) = answer.get_json()["images"]
    assert image["answer"] is None
    result = visitor.decide(image, "cat")
    assert (result["answer"]["label"], result["answer"]["confidence"]) == ("dog", 0.98)


def test_what_others_decided_is_told_only_after_a_decision(visitor: Visitor, waiting: Waiting, labels: Labels) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    message = visitor.review.session.find(image["id"])
    theirs = Decision("dog", "Bob", "2026-11-23T09:00:00+00:00", 1.0, message.image.reason, message.image.model)
    labels.add(message.image, theirs)
    assert "Bob" not in visitor.post("/next", count=5).text
    result = visitor.decide(image, "cat")
    assert result["others"] == [{"reviewer": "Bob", "label": "dog"}]
    assert result["disputed"] is True


def test_many_are_decided_at_once_and_each_has_its_own_result(
    visitor: Visitor, waiting: Waiting, labels: Labels
) -> None:
    for number in range(24):
        waiting.send(number)
    images = visitor.images(24)
    decisions = [{"id": image["id"], "label": ("cat", "dog", None)[n % 3]} for n, image in enumerate(images)]
    decisions[5]["label"] = "horse"
    decisions.append({"id": "gone", "label": "cat"})
    results = visitor.post("/decide", decisions=decisions).get_json()["results"]
    assert [result["id"] for result in results] == [one["id"] for one in decisions]
    assert "not one of the labels" in results[5]["error"]
    assert results[24]["gone"] is True
    assert sum("error" not in result for result in results) == len(written(labels)) == 23
    assert [image["id"] for image in visitor.images(24)] == [images[5]["id"]]


def test_an_undone_decision_is_marked_and_its_image_is_the_next(
    visitor: Visitor, waiting: Waiting, labels: Labels
) -> None:
    for number in range(3):
        waiting.send(number)
    first = visitor.images()[0]
    visitor.decide(first, "cat")
    assert visitor.post("/undo").get_json()["image"] == first
    assert visitor.images()[0] == first
    assert [decision.undone for decision in written(labels)] == [True]
    nothing = visitor.post("/undo")
    assert nothing.status_code == 409
    assert "no decision" in nothing.get_json()["error"]


def test_a_skipped_image_comes_last(visitor: Visitor, waiting: Waiting) -> None:
    for number in range(3):
        waiting.send(number)
    first, second, third = (image["id"] for image in visitor.images())
    visitor.post("/skip", id=first)
    assert [image["id"] for image in visitor.images()] == [second, third, first]


class Unreachable:
    """Makes S3 fail while a label is written."""

    def __init__(self, labels: Labels) -> None:
        self.events = labels.s3.meta.events

    def __enter__(self) -> None:
        self.events.register("before-call.s3.PutObject", self._fail)

    def __exit__(self, *_: object) -> None:
        self.events.unregister("before-call.s3.PutObject", self._fail)

    @staticmethod
    def _fail(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3.example")


def test_a_label_that_cant_be_written_is_an_error_and_its_image_comes_again(
    visitor: Visitor, waiting: Waiting, labels: Labels
) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    with Unreachable(labels):
        result = visitor.decide(image, "cat")
    assert "s3.example" in result["error"]
    assert result["gone"] is False
    assert written(labels) == []
    assert visitor.images() == [image]
    assert "error" not in visitor.decide(image, "cat")


def test_a_picture_that_was_deleted_or_replaced_is_said_in_one_sentence(visitor: Visitor, waiting: Waiting) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    waiting.s3.put_object(Bucket=BUCKET, Key="incoming/0.png", Body=png(1))
    assert "replaced" in visitor.get(f"/image/{image['id']}").get_json()["error"]
    waiting.s3.delete_object(Bucket=BUCKET, Key="incoming/0.png")
    deleted = visitor.get(f"/image/{image['id']}")
    assert deleted.status_code == 409
    assert "deleted" in deleted.get_json()["error"]
    # Its decision would be about nothing, but it may be skipped.
    assert visitor.post("/skip", id=image["id"]).status_code == 204


def explained(visitor: Visitor, image: dict[str, Any], body: str | None) -> Any:
    """Return what the page is told where the endpoint answers that body, or fails."""
    with Stubber(visitor.review.explainer.runtime) as endpoint:
        asked = {
            "EndpointName": "pets",
            "ContentType": "application/x-image",
            "Body": ANY,
            "CustomAttributes": "explain",
        }
        if body is None:
            endpoint.add_client_error("invoke_endpoint", "ModelError", "no memory", expected_params=asked)
        else:
            raw = body.encode()
            answer = {"Body": StreamingBody(io.BytesIO(raw), len(raw)), "ContentType": "application/json"}
            endpoint.add_response("invoke_endpoint", answer, asked)
        return visitor.post("/explain", id=image["id"]).get_json()


def test_the_map_is_what_the_endpoint_explains(visitor: Visitor, waiting: Waiting) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    cells = [[0.1, 0.2], [0.3, 0.4]]
    told = explained(visitor, image, answered(labels=["cat", "dog"], explanation=cells))
    assert told == {"release": "r1", "label": "cat", "cells": cells}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (answered(labels=["cat", "dog"]), "can't say where it looked"),
        ("[0.7, 0.3]", "can't say where it looked"),
        (answered(labels=["cow", "dog"], explanation=[[1.0]]), "labels"),
        ("nonsense", "JSON"),
        (None, "no memory"),
    ],
)
def test_an_endpoint_that_cant_explain_is_said_so(
    visitor: Visitor, waiting: Waiting, body: str | None, said: str
) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    assert said in explained(visitor, image, body)["error"]


def test_the_model_is_asked_with_a_picture_of_the_size_that_the_workflow_sends(
    visitor: Visitor, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the template gives Serialize.
    assert os.environ["MAX_SIDE"] == str(MAX_SIDE)
    sent: list[bytes] = []
    monkeypatch.setattr(visitor.review.explainer.runtime, "invoke_endpoint", lambda **asked: sent.append(asked["Body"]))
    large = png(7, (448, 224))
    monkeypatch.setattr("review.page.explaining.read_original", lambda *_: large)
    waiting.send(0)
    (image,) = visitor.images()
    visitor.post("/explain", id=image["id"])
    assert Image.open(io.BytesIO(sent[0])).size == (MAX_SIDE, MAX_SIDE // 2)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/next", {"count": 0}),
        ("/next", {"count": 10_000}),
        ("/next", {"count": "1"}),
        ("/next", {"count": 1, "tab": 5}),
        ("/decide", {"decisions": []}),
        ("/decide", {"decisions": [{"id": "1"}]}),
        ("/decide", {"decisions": [{"id": "1", "label": 5}]}),
        ("/decide", {"decisions": [{"id": "1", "label": ""}]}),
        ("/decide", {"decisions": {"id": "1", "label": "cat"}}),
        ("/skip", {"id": None}),
        ("/show", {}),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(visitor: Visitor, path: str, values: dict[str, Any]) -> None:
    answer = visitor.post(path, **values)
    assert answer.status_code == 400
    assert answer.get_json()["error"]


def test_hostile_names_are_data_and_never_html(visitor: Visitor, waiting: Waiting, labels: Labels) -> None:
    data, key = png(3), f"incoming/{HOSTILE}"
    waiting.send(3, s3_key=key, labels=[HOSTILE, "dog"], label=HOSTILE, release=HOSTILE)
    waiting.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
    answer = visitor.post("/next", count=1)
    assert answer.content_type == "application/json"
    (image,) = answer.get_json()["images"]
    assert HOSTILE in image["address"]
    assert "error" not in visitor.decide(image, HOSTILE)
    assert written(labels)[0].label == HOSTILE
    session = Session(visitor.review.session._queue, labels, HOSTILE)
    visitor.review.__dict__["session"] = session
    page = visitor.get("/").text
    assert "<img" not in page
    assert "&lt;img src=x" in page
