"""A batch starts gently on a serverless endpoint: once it has started, and with no more images at once than it takes.

An idle endpoint first starts its container, and what goes beyond its MaxConcurrency is throttled:
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html.
"""

import io
import time
from collections.abc import Callable

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from inference.errors import InferenceError

# A container must answer /ping within 3 minutes:
# https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
LONGEST_START = 180.0
PAUSE = 1.0
# An inline Map runs 40 iterations at once; docs/scale.md has the limits of a child.
MOST_IMAGES = 40
# One attempt, as the time for all of them is bounded here.
PATIENCE = Config(connect_timeout=2, read_timeout=70, retries={"total_max_attempts": 1})


class EndpointNotStarted(InferenceError):
    """A serverless endpoint gives no answer."""


def start_gently(endpoint: str, say: Callable[[str], None]) -> dict[str, int]:
    """Wait until a serverless endpoint answers; return the input of ClassifyBatch that keeps to its MaxConcurrency.

    It is empty for an endpoint on instances, and where the caller may not ask; `say` then gets a line that says so.

    Raises:
        EndpointNotStarted: the endpoint gave no answer within three minutes.
    """
    try:
        most = most_at_once(endpoint)
    except ClientError as error:
        if "Could not find" not in str(error):
            say(f"It isn't known whether the endpoint {endpoint} is serverless, so the batch starts at once: {error}")
        return {}  # Of a missing endpoint each image's error tells.
    if most is None:
        return {}
    try:
        say(f"The endpoint has started: {wake(endpoint):.0f} s.")
    except ClientError as error:
        say(f"The batch doesn't wait until the endpoint {endpoint} has started: {error}")
    return limits_for(most)


def limits_for(most: int) -> dict[str, int]:
    """Return how many images a child has and how many children run, so that at most `most` images run at once."""
    # The images of a child run at once.
    size = min(most, MOST_IMAGES)
    return {"batch_size": size, "max_concurrency": most // size}


def most_at_once(endpoint: str) -> int | None:
    """Return how many requests a serverless endpoint takes at once, None for one on instances."""
    sagemaker = boto3.client("sagemaker")
    name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"]
    serverless = [variant["ServerlessConfig"] for variant in variants if "ServerlessConfig" in variant]
    return sum(one["MaxConcurrency"] for one in serverless) or None


def wake(endpoint: str) -> float:
    """Send a small image until the endpoint answers, and return the seconds that took.

    Raises:
        EndpointNotStarted: it gave no answer within three minutes.
        ClientError: the caller may not invoke it.
    """
    runtime = boto3.client("sagemaker-runtime", config=PATIENCE)
    image = io.BytesIO()
    Image.new("RGB", (32, 32)).save(image, "PNG")
    begun = time.monotonic()
    while True:
        try:
            runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/x-image", Body=image.getvalue())
            return time.monotonic() - begun
        except ClientError as error:
            if error.response["Error"]["Code"].startswith("AccessDenied"):
                raise
            if error.response.get("OriginalStatusCode") in range(400, 500):
                return time.monotonic() - begun  # The model is there, and doesn't want this image.
            last = str(error)
        except BotoCoreError as error:
            last = str(error)
        if time.monotonic() - begun > LONGEST_START:
            raise EndpointNotStarted(
                f"The endpoint {endpoint} gave no answer within {LONGEST_START:.0f} s, so nothing was started; its log "
                f"is /aws/sagemaker/Endpoints/{endpoint}. Its last error: {last}"
            )
        time.sleep(PAUSE)
