"""axe-core finds nothing wrong with any view of the page; `make judges` installs it and runs this."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from review.labels import Labels
from review.queue import ReviewQueue
from tests.unit.review.page.browsers import CHROMIUM, FLAGS, Screen, serving
from tests.unit.review.samples import Waiting

AXE = os.environ.get("AXE")
MANY = [f"class {number}" for number in range(12)]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; CHROMIUM=PATH names one"),
    pytest.mark.skipif(AXE is None, reason="axe-core is not installed; `make judges` installs it and runs this"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong on the page as it is shown."""
    found: list[dict[str, Any]] = page.evaluate("() => axe.run().then((results) => results.violations)")
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_axe_finds_nothing_wrong_with_any_view(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, browser: Browser, scheme: Any, width: int, height: int
) -> None:
    waiting.send(0)
    waiting.send(1, review_reason="unfamiliar", familiarity=0.01)
    waiting.send(2, review_reason="audit", outcome="ACCEPTED")
    waiting.send(3, labels=MANY, inferences=[0.45] + [0.05] * 11, label=MANY[0], confidence=0.45, threshold=None)
    assert AXE
    size = ViewportSize(width=width, height=height)
    # Axe is added to the page, which its policy forbids to everybody else.
    context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)
    context.add_init_script(Path(AXE).read_text())
    with serving(queue, labels) as address, context:
        screen = Screen(context.new_page(), address)
        found: dict[str, list[str]] = {}
        screen.name()
        screen.page.keyboard.press("?")
        expect(screen.find("#help")).to_be_visible()
        found["help"] = violations(screen.page)
        screen.page.keyboard.press("Escape")
        expect(screen.find("#help")).to_be_hidden()
        screen.page.keyboard.press("g")
        expect(screen.find(".card")).to_have_count(4)
        found["grid"] = violations(screen.page)
        screen.page.keyboard.press("g")
        expect(screen.find("#single")).to_be_visible()
        while screen.find("#single").is_visible():
            screen.name()
            reason = screen.find(".reason").inner_text()
            if screen.find("#find").is_visible():
                screen.find("#find").fill("class")
                expect(screen.find("[role=option]").first).to_be_visible()
                reason += " of many classes"
            found[reason] = violations(screen.page)
            screen.page.keyboard.press("Escape")
            screen.page.keyboard.press("0")
            screen.says("none of these for")
        screen.ends()
        found["end"] = violations(screen.page)
    assert len(found) == 7
    assert {view: wrong for view, wrong in found.items() if wrong} == {}
