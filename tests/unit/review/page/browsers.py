"""The page in a browser, and what a person does there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect

from contracts.labels import LabelledImage, labels_folder
from review.labels import Labels, read_labels
from review.page.app import Review, make_app
from review.page.explaining import Explainer
from review.page.guard import Guard
from review.page.server import listening
from review.page.tabs import Tabs
from review.queue import ReviewQueue
from review.session import AHEAD, Session
from tests.unit.samples import BUCKET

# Only a broken test comes near it, also where other work keeps every processor busy.
LONGEST = 60_000


@contextmanager
def serving(
    queue: ReviewQueue, labels: Labels, reviewer: str = "ann", *, explainer: Explainer | Any = None, ahead: int = AHEAD
) -> Iterator[str]:
    """Serve the page of one person in this process, and yield the address to open."""
    session = Session(queue, labels, reviewer, ahead=ahead)

    def make(guard: Guard) -> Any:
        return make_app(Review(session, tabs, labels.s3, explainer, str, labels_folder(labels.dataset), guard))

    with session, Tabs(session) as tabs, listening(make, 0) as (server, guard):
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield guard.address
        finally:
            server.shutdown()
            thread.join()


class Screen:
    """The page as a person sees and uses it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(LONGEST)
        expect.set_options(timeout=LONGEST)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_url("**/")

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def name(self) -> str:
        """Return the name of the image on the screen, once its picture is there."""
        self.page.wait_for_selector("#frame.ready img")
        return (self.find("#frame img").get_attribute("alt") or "").removeprefix("Image to decide: ")

    def press(self, key: str) -> str:
        """Decide the image on the screen by a key, wait until that is written, and return its name."""
        name = self.name()
        self.page.keyboard.press(key)
        self.says(f" for {name}.")
        return name

    def says(self, text: str) -> None:
        """Wait for a text in the line at the bottom."""
        expect(self.find("#last")).to_contain_text(text)

    def complains(self, text: str) -> None:
        """Wait for a text in the line for errors."""
        expect(self.find("#alert")).to_contain_text(text)

    def ends(self) -> None:
        """Wait until nothing is left."""
        expect(self.find("#end-title")).to_have_text("Nothing waits for a decision")


Opening = Callable[[str], Screen]


def written(labels: Labels) -> dict[str, LabelledImage]:
    """Return what was decided, by the images' names."""
    return {image.s3_key.removeprefix("incoming/"): image for image in read_labels(labels.s3, BUCKET, labels.dataset)}


def counted(labels: Labels) -> dict[str, str | None]:
    """Return the label that counts by name, where exactly one decision was made and not undone."""
    images = written(labels).items()
    return {name: image.settled.label for name, image in images if len(image.votes) == 1 and image.settled}
