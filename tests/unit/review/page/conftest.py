from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import boto3
import pytest
from playwright.sync_api import Browser

from review.labels import Labels
from review.page.app import Review
from review.page.explaining import Explainer
from review.page.guard import Guard
from review.page.tabs import Tabs
from review.queue import ReviewQueue
from review.session import Session
from tests.browsers import launched
from tests.unit.review.page.browsers import Opening, Screen
from tests.unit.review.page.visitor import PORT, Visitor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def reviewing(queue: ReviewQueue, labels: Labels, s3: "S3Client") -> Iterator[Review]:
    """What a page works with."""
    session = Session(queue, labels, "ann")
    tabs = Tabs(session)
    explainer = Explainer(s3, boto3.client("sagemaker-runtime"))
    with ExitStack() as stack:
        stack.enter_context(session)
        yield Review(session, tabs, s3, explainer, str, "labels/pets/", Guard(PORT))
        explainer.runtime.close()


@pytest.fixture
def visitor(reviewing: Review) -> Visitor:
    """A page that is open."""
    return Visitor(reviewing)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as started:
        yield started


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Opens an address in a browser of its own, and checks at the end that no script failed in any page."""
    with ExitStack() as stack:
        screens: list[Screen] = []

        def open_page(address: str) -> Screen:
            context = browser.new_context()
            stack.callback(context.close)
            screens.append(Screen(context.new_page(), address))
            return screens[-1]

        yield open_page
        assert [error for screen in screens for error in screen.errors] == []
