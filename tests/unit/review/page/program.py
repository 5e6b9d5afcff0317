"""The page's server as a process of its own, to be killed: `python -m tests.unit.review.page.program URL… REVIEWER`."""

import sys

import boto3

from review import queue, session
from review.labels import Labels
from review.page.explaining import Explainer
from review.page.server import review_in_browser
from tests.unit.samples import BUCKET


def main(*arguments: str) -> None:
    """Serve the page until the process is ended, and print its address."""
    *urls, reviewer = arguments
    queue.POLL_SECONDS = 0
    s3 = boto3.client("s3")
    labels = Labels(s3, BUCKET, "pets")
    reviewing = session.Session(queue.ReviewQueue(boto3.client("sqs"), urls), labels, reviewer)
    explainer = Explainer(s3, boto3.client("sagemaker-runtime"))
    review_in_browser(reviewing, labels, explainer, str, 0, lambda address: print(address, flush=True), browser=False)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
