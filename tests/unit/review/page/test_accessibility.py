"""axe-core finds nothing wrong with any view of the page; `make judges` installs it and runs this."""

import pytest
from playwright.sync_api import Browser, expect

from review.labels import Labels
from review.queue import ReviewQueue
from tests.browsers import SCHEMES, SIZES, needs_axe, needs_chromium, violations, visiting
from tests.unit.review.page.browsers import Screen, serving
from tests.unit.review.samples import Waiting

MANY = [f"class {number}" for number in range(12)]

pytestmark = [needs_chromium, needs_axe]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_wrong_with_any_view(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, browser: Browser, size: str, scheme: str
) -> None:
    waiting.send(0)
    waiting.send(1, review_reason="unfamiliar", familiarity=0.01)
    waiting.send(2, review_reason="audit", outcome="ACCEPTED")
    waiting.send(3, labels=MANY, inferences=[0.45] + [0.05] * 11, label=MANY[0], confidence=0.45, threshold=None)
    with serving(queue, labels) as address, visiting(browser, size, scheme, axe=True) as context:
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
