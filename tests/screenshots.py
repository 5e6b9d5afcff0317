"""Pictures of the review page over a real run: `python -m tests.screenshots FOLDER README_PICTURE`; needs Chromium.

Draws pictures as large as photographs, trains on some of them, sends the others through the workflow, and opens what
waits for review on a screen and on a phone, light and dark.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import numpy as np
from botocore.config import Config
from playwright.sync_api import Browser, expect

from local import launch, stack
from review.labels import Labels
from review.page.explaining import Explainer
from review.queue import ReviewQueue
from tests.browsers import SCHEMES, SIZES, launched, visiting
from tests.conftest import led_to
from tests.unit.review.page.browsers import Screen, serving
from training.datasets import scene
from training.deploy import deploy
from training.sagemaker.stacks import Stacks
from training.stage import stage
from training.train import train

SIDE = 384
CLASSES = ("bicycle", "motorcycle")
PER_CLASS = 60
SHOWN = 50
ENDPOINT = "image-classification"


def draw(folder: Path) -> None:
    """Draw pictures of each class into a folder of its own."""
    # The sample data set has such scenes too, but as small as CIFAR-100's.
    scene.SIDE, scene.DETAIL, scene.CANVAS = SIDE, 1, SIDE
    rng = np.random.default_rng(7)
    for thing in CLASSES:
        (folder / thing).mkdir(parents=True, exist_ok=True)
        for number in range(PER_CLASS):
            scene.picture(thing, rng).save(folder / thing / f"{number:03}.jpg", quality=92)


def classify(files: list[Path]) -> None:
    """Send files through the workflow."""
    s3 = boto3.client("s3")
    states = boto3.client("stepfunctions", config=Config(inject_host_prefix=False))
    machine = f"arn:aws:states:{stack.REGION}:123456789012:stateMachine:ClassifyImageExpress"
    for number, file in enumerate(files):
        event = {"s3_bucket": stack.BUCKET, "s3_key": f"photographs/{1000 + number}.jpg"}
        s3.put_object(Bucket=event["s3_bucket"], Key=event["s3_key"], Body=file.read_bytes())
        states.start_sync_execution(stateMachineArn=machine, input=json.dumps(event))


@contextmanager
def waiting(folder: Path) -> Iterator[tuple[ReviewQueue, Labels, Explainer]]:
    """Run a stack on which images wait for review."""
    draw(folder / "drawn")
    with launch.running(stack.Options(logs=str(folder / "logs"))) as running, led_to(running.environment):
        dataset = stage(str(folder / "drawn"), folder, bucket=stack.BUCKET, name="drawn")
        model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=folder, quiet=True)
        deploy(model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
        running.deploy({"EndpointName": ENDPOINT, "ConfidenceThreshold": "0.99", "AuditRate": "0.2"})
        drawn = sorted((folder / "drawn").rglob("*.jpg"), key=lambda file: file.name)
        classify(drawn[:SHOWN])
        s3 = boto3.client("s3", config=Config(max_pool_connections=40))
        queue = ReviewQueue(boto3.client("sqs"), Stacks().review_queue_urls)
        yield queue, Labels(s3, stack.BUCKET, dataset.name), Explainer(s3, boto3.client("sagemaker-runtime"))


def take(browser: Browser, address: str, folder: Path, size: str, scheme: str) -> None:
    """Take pictures of one image, of where the model looked, and of the grid."""
    with visiting(browser, size, scheme) as context:
        screen = Screen(context.new_page(), address)

        def picture(name: str) -> None:
            screen.page.screenshot(path=folder / f"{name}-{size}-{scheme}.png")

        while not screen.find(".choice.best").count():
            screen.press("1")
        picture("single")
        screen.page.keyboard.press("e")
        expect(screen.find("#mapped")).to_contain_text("Bright")
        picture("map")
        screen.page.keyboard.press("g")
        expect(screen.find(".card").nth(5)).to_be_visible()
        screen.page.wait_for_load_state("networkidle")
        picture("grid")
        screen.page.keyboard.press("?")
        picture("help")


def main(folder: Path, readme: Path) -> None:
    """Take all pictures; that of the README is one of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with launched() as browser, waiting(folder) as (queue, labels, explainer):
        for size in SIZES:
            for scheme in SCHEMES:
                with serving(queue, labels, explainer=explainer) as address:
                    take(browser, address, folder, size, scheme)
    readme.write_bytes((folder / "single-screen-light.png").read_bytes())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
