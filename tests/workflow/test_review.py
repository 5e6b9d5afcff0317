"""What the real state machine sends to review is what a reviewer's session understands."""

import boto3

from local import stack
from review.image import read_original
from review.labels import Labels, read_labels
from review.queue import ReviewQueue
from review.session import Session
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
        (message,) = session.upcoming()
        assert message.image.s3_key == event["s3_key"]
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
    assert list(waiting_for_review()) == []
