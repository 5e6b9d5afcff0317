"""What the real state machine sends to review is what a reviewer's session understands."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import requests

from local import stack
from review.image import read_original
from review.labels import Labels, read_labels
from review.queue import ReviewQueue
from review.session import Session
from tests.conftest import ROOT
from tests.images import encoded, gradient
from tests.workflow.conftest import Deployed
from tests.workflow.review_queue import waiting_for_review
from tests.workflow.test_classify_image import classify, put, with_threshold
from training.sagemaker.stacks import Stacks


def test_an_unsure_image_is_shown_decided_and_leaves_the_queue(deployed: Deployed) -> None:
    with_threshold(deployed, 1.0)
    list(waiting_for_review())
    data = encoded(gradient(60, 40))
    event = put("pictures/review.png", data)
    classify(event)
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    labels = Labels(s3, stack.BUCKET, "pedals")
    with Session(ReviewQueue(sqs, Stacks().review_queue_urls), labels, "ann") as session:
        # Executions of tests before may still send theirs.
        message = next(one for one in session.upcoming(10) if one.image.s3_key == event["s3_key"])
        assert (message.image.width, message.image.height, message.image.reason) == (60, 40, "low confidence")
        assert message.image.model.labels == deployed.model.labels
        assert read_original(s3, message.image) == data
        session.decide(message.id, deployed.model.labels[1])
    (image,) = read_labels(s3, stack.BUCKET, labels.dataset)
    assert image.settled
    assert (image.settled.label, image.settled.model.release) == (
        deployed.model.labels[1],
        message.image.model.release,
    )
    assert event["s3_key"] not in waiting_for_review()


@contextmanager
def reviewing(deployed: Deployed) -> Iterator[str]:
    """Run `workflow review` until the block ends, as Ctrl-C does, and yield the address that it prints."""
    command = [sys.executable, "-m", "cli", "review", "--no-open", "--reviewer", "ann", "--name", "pedals"]
    environment = {**os.environ, **deployed.stack.environment, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=deployed.out, env=environment, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            line = started.stdout.readline()
            assert line.startswith("Review as ann: http://127.0.0.1:")
            yield line.removeprefix("Review as ann: ").strip()
        finally:
            started.send_signal(signal.SIGINT)
            said = started.stdout.read()
    assert started.returncode == 0
    assert said.endswith("The review has ended.\n")


def test_the_page_shows_decides_and_explains_what_the_workflow_sends_to_review(deployed: Deployed) -> None:
    with_threshold(deployed, 1.0)
    list(waiting_for_review())
    data = encoded(gradient(61, 40))
    classify(put("pictures/page.png", data))
    with reviewing(deployed) as address, requests.Session() as browser:
        origin = address.partition("/open/")[0]
        assert browser.get(f"{origin}/").status_code == 403
        browser.get(address)
        csrf = re.search(r'data-csrf="([^"]+)"', browser.get(f"{origin}/").text)
        assert csrf

        def ask(path: str, **values: Any) -> dict[str, Any]:
            sent = {"csrf": csrf[1], "tab": "t", **values}
            answer = browser.post(f"{origin}/{path}", json=sent, headers={"Origin": origin})
            return dict(answer.json())

        (image,) = ask("next", count=5)["images"]
        assert (image["name"], image["labels"]) == ("page.png", list(deployed.model.labels))
        assert browser.get(f"{origin}/image/{image['id']}").content == data
        explanation = ask("explain", id=image["id"])
        assert explanation["release"] == image["answer"]["release"]
        assert 0 < max(map(max, explanation["cells"])) <= 1
        label = deployed.model.labels[0]
        (result,) = ask("decide", decisions=[{"id": image["id"], "label": label}])["results"]
        assert "error" not in result
    decided = {image.s3_key: image for image in read_labels(boto3.client("s3"), stack.BUCKET, "pedals")}
    (decision,) = decided["pictures/page.png"].decisions
    assert (decision.label, decision.reviewer) == (label, "ann")
    assert list(waiting_for_review()) == []
