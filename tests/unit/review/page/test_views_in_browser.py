"""What the page shows in a real browser: one image, the grid, the map, help, and all of it on a phone."""

from typing import Any

from playwright.sync_api import Page, expect

from review.image import ReviewImage
from review.labels import Labels
from review.page.explaining import NotExplained
from review.queue import ReviewQueue
from tests.browsers import needs_chromium
from tests.unit.review.page.browsers import Opening, counted, serving, written
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

pytestmark = needs_chromium
MANY = ["ant", "bee", "cat", "cow", "dog", "eel", "elk", "emu", "fox", "hen", "owl", "pig"]


def test_an_audited_image_hides_the_models_answer_until_it_is_decided(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0, review_reason="audit", outcome="ACCEPTED")
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        assert screen.find(".choice .share").count() == 0
        screen.page.keyboard.press("Enter")
        screen.complains("choose a class yourself")
        screen.page.keyboard.press("e")
        expect(screen.find("#mapped")).to_contain_text("until you have decided")
        screen.press("2")
        screen.says("The model had said cat, 70%")
    assert counted(labels) == {"0.png": "dog"}


def test_one_of_many_classes_is_found_by_typing(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    shares = [0.04] * 11 + [0.56]
    for number in range(3):
        waiting.send(number, labels=MANY, inferences=shares, label="pig", confidence=0.56)
    with serving(queue, labels) as address:
        screen = opening(address)
        # The keys are for the likeliest.
        expect(screen.find(".choice .name").first).to_have_text("pig")
        assert screen.find(".choice").count() == 5
        by_enter = screen.press("Enter")
        typed = screen.name()
        screen.page.keyboard.press("/")
        screen.page.keyboard.type("e")
        expect(screen.find("[role=option]")).to_have_text(["eel", "elk", "emu", "bee", "hen"])
        screen.page.keyboard.press("ArrowDown")
        screen.page.keyboard.press("Enter")
        screen.says(f"elk for {typed}.")
        by_pointer = screen.name()
        screen.find("#find").fill("OW")
        screen.find("[role=option]").first.click()
        screen.says(f"owl for {by_pointer}.")
    assert counted(labels) == {by_enter: "pig", typed: "elk", by_pointer: "owl"}


def test_many_are_decided_at_once_in_the_grid(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(6):
        waiting.send(number, confidence=0.5 + number / 100)
    waiting.send(6, review_reason="audit", outcome="ACCEPTED")
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        screen.page.keyboard.press("g")
        expect(screen.find(".card")).to_have_count(7)
        # The least sure come first, and what is audited last; without a choice of one's own it waits.
        names = [
            (label or "").partition(":")[0]
            for label in (card.get_attribute("aria-label") for card in screen.find(".thumb").all())
        ]
        assert names == [f"{number}.png" for number in range(7)]
        expect(screen.find("#confirm")).to_contain_text("Decide 6 images")
        screen.find(".thumb").nth(0).click()
        screen.page.keyboard.press("ArrowRight")
        screen.page.keyboard.press("0")
        screen.page.keyboard.press("s")
        screen.find(".card select").nth(3).select_option("dog")
        expect(screen.find("#confirm")).to_contain_text("Decide 5 images")
        screen.find(".thumb").nth(5).focus()
        screen.page.keyboard.press("Enter")
        screen.says("Decided 5 images.")
        expect(screen.find(".card")).to_have_count(2)
        screen.page.keyboard.press("u")
        screen.says("Undone")
        expect(screen.find(".card")).to_have_count(3)
    found = counted(labels)
    assert len(found) == 4
    assert {name: found.get(name, "-") for name in ("2.png", "6.png")} == {"2.png": "-", "6.png": "-"}
    assert found.items() <= {"0.png": "dog", "1.png": None, "3.png": "dog", "4.png": "cat", "5.png": "cat"}.items()


class Explains:
    """An endpoint that explains, until it can't."""

    able = True

    def explain(self, image: ReviewImage) -> dict[str, Any]:
        if not self.able:
            raise NotExplained(f"The endpoint {image.endpoint} can't say where it looked: it is gone.")
        return {"release": "r2", "label": "cat", "cells": ((0.0, 0.1), (0.2, 0.7))}


def test_the_map_of_where_the_model_looked_lies_over_the_whole_image(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(2):
        waiting.send(number)
    endpoint = Explains()
    with serving(queue, labels, explainer=endpoint) as address:
        screen = opening(address)
        screen.name()
        screen.page.keyboard.press("e")
        expect(screen.find("#mapped")).to_contain_text("Release r2 answers now")
        assert screen.find("canvas.map").bounding_box() == screen.find("#frame img").bounding_box()
        screen.page.keyboard.press("e")
        expect(screen.find("canvas.map")).to_have_count(0)
        endpoint.able = False
        screen.page.keyboard.press("e")
        expect(screen.find("#mapped")).to_contain_text("it is gone")
        screen.press("1")
        expect(screen.find("#mapped")).to_be_empty()


def test_a_picture_that_is_gone_is_said_and_may_be_skipped(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(2):
        waiting.send(number)
    waiting.s3.delete_object(Bucket=BUCKET, Key="incoming/0.png")
    with serving(queue, labels) as address:
        screen = opening(address)
        expect(screen.find("#frame .absent")).to_contain_text("was deleted")
        screen.page.keyboard.press("s")
        assert screen.press("1") == "1.png"


def test_keys_do_nothing_while_the_help_is_open_or_when_they_are_turned_off(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        screen.page.keyboard.press("?")
        expect(screen.find("#help")).to_be_visible()
        screen.page.keyboard.press("1")
        screen.find("#keys-on").uncheck()
        screen.page.keyboard.press("Escape")
        expect(screen.find("#help")).to_be_hidden()
        screen.page.keyboard.press("1")
        screen.page.keyboard.press("Control+1")
        assert written(labels) == {}
        screen.find(".choice").nth(1).click()
        screen.says("dog for 0.png.")
    assert counted(labels) == {"0.png": "dog"}


def test_a_key_right_after_the_help_is_closed_is_not_lost(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        screen.page.keyboard.press("?")
        screen.find("#keys-on").focus()
        # Until the page is drawn again, the focus is still in the help.
        press_g = "new KeyboardEvent('keydown', {key: 'g', bubbles: true})"
        screen.page.evaluate(f"help.close(), document.getElementById('keys-on').dispatchEvent({press_g})")
        expect(screen.find(".card")).to_have_count(1)


def small_targets(page: Page) -> list[str]:
    """Return the controls on the screen that a finger misses easily, below 44 pixels: WCAG 2.2's target size."""
    found = []
    for control in page.locator("button:visible, select:visible, input:visible").all():
        box = control.bounding_box()
        if box and min(box["width"], box["height"]) < 44:
            found.append(control.inner_text() or str(control))
    return found


def test_it_works_on_a_phone_by_touch(waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening) -> None:
    for number in range(4):
        waiting.send(number)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.page.set_viewport_size({"width": 390, "height": 844})
        screen.name()
        for view in (".card", ".choice"):
            assert small_targets(screen.page) == []
            box = screen.find("main").bounding_box()
            assert box is not None
            assert box["width"] <= 390
            screen.find("#mode").click()
            expect(screen.find(view).first).to_be_visible()
        name = screen.name()
        screen.find(".choice").first.click()
        screen.says(f"cat for {name}.")
        screen.find("#undo").click()
        screen.says("Undone")
