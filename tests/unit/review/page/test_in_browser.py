"""The page in a real browser, with a real queue and bucket behind it."""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from contracts.labels import LabelledImage
from local.stack_outputs import publish
from review.image import ReviewImage
from review.labels import Labels, read_labels
from review.page.explaining import NotExplained
from review.queue import ReviewQueue
from tests.conftest import ROOT
from tests.unit.review.page.browsers import CHROMIUM, FLAGS, Opening, Screen, serving
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed; CHROMIUM=PATH names one")
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
MANY = ["ant", "bee", "cat", "cow", "dog", "eel", "elk", "emu", "fox", "hen", "owl", "pig"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


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


def written(labels: Labels) -> dict[str, LabelledImage]:
    """Return what was decided, by the images' names."""
    return {image.s3_key.removeprefix("incoming/"): image for image in read_labels(labels.s3, BUCKET, labels.dataset)}


def counted(labels: Labels) -> dict[str, str | None]:
    """Return the label that counts by name, where exactly one decision was made and not undone."""
    images = written(labels).items()
    return {name: image.settled.label for name, image in images if len(image.votes) == 1 and image.settled}


def test_thirty_images_are_decided_by_keyboard_alone(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(30):
        waiting.send(number)
    meant: dict[str, str | None] = {}
    with serving(queue, labels) as address:
        screen = opening(address)
        for number in range(30):
            key, label = (("1", "cat"), ("2", "dog"), ("Enter", "cat"), ("0", None))[number % 4]
            meant[screen.press(key)] = label
        screen.ends()
        expect(screen.find("#end-title")).to_be_focused()
        expect(screen.find("#counts")).to_have_text("30 decided, 0 left")
        expect(screen.find("#end-text")).to_contain_text("You decided 30 images.")
    assert len(meant) == 30
    assert counted(labels) == meant
    assert all(image.decisions[0].seconds is not None for image in written(labels).values())
    assert waiting.counts() == (0, 0)


def test_the_address_bar_shows_no_token_and_no_script_may_come_from_elsewhere(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        assert screen.page.url == address.partition("open")[0]
        screen.page.go_back()
        assert "/open/" not in screen.page.url
        # Whoever gets only the address without the token gets nothing.
        stranger = screen.page.context.browser
        assert stranger is not None
        with stranger.new_context() as context:
            answer = context.new_page().goto(address.partition("open")[0])
            assert answer is not None
            assert answer.status == 403


def test_undo_and_skip(waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening) -> None:
    for number in range(4):
        waiting.send(number)
    with serving(queue, labels) as address:
        screen = opening(address)
        first = screen.press("1")
        second = screen.name()
        screen.page.keyboard.press("u")
        screen.says("Undone")
        assert screen.press("2") == first
        assert screen.name() == second
        screen.page.keyboard.press("s")
        order = [screen.press("1"), screen.press("1"), screen.press("2")]
        screen.ends()
    assert order[-1] == second
    assert counted(labels) == {first: "dog", second: "dog"} | dict.fromkeys(order[:2], "cat")
    assert [decision.undone for decision in written(labels)[first].decisions] == [True, False]


def test_a_reload_keeps_the_image_and_a_closed_page_gives_all_of_them_back(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("review.page.tabs.SWEEP_SECONDS", 0.05)
    for number in range(6):
        waiting.send(number)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.press("1")
        name = screen.name()
        screen.page.reload()
        assert screen.name() == name
        expect(screen.find("#counts")).to_have_text("1 decided, 5 left")
        monkeypatch.setattr("review.page.tabs.RELOAD_SECONDS", 0)
        screen.page.close()
        wait_until(lambda: waiting.counts() == (5, 1))
    assert waiting.counts() == (5, 0)


def test_two_people_and_two_pages_of_one_of_them_never_decide_the_same_image(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(24):
        waiting.send(number)
    theirs = ReviewQueue(waiting.sqs, waiting.urls)
    done: list[str] = []
    with serving(queue, labels, "ann", ahead=4) as ann, serving(theirs, labels, "bob", ahead=4) as bob:
        screens = [opening(ann), opening(bob)]
        screens.append(Screen(screens[0].page.context.new_page(), ann))
        assert len({screen.name() for screen in screens}) == 3

        def all_decide() -> bool:
            done.extend(screen.press("1") for screen in screens if screen.find("#single").is_visible())
            return len(done) >= 24

        wait_until(all_decide)
        for screen in screens:
            expect(screen.find("#end")).to_be_visible()
    images = written(labels)
    assert sorted(done) == sorted(images)
    assert len(images) == 24
    assert {decision.reviewer for image in images.values() for decision in image.decisions} == {"ann", "bob"}
    assert all(len(image.decisions) == 1 for image in images.values())
    assert waiting.counts() == (0, 0)


def test_what_somebody_else_said_is_shown_after_a_decision(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels, "bob") as address:
        opening(address).press("2")
    waiting.send(0)
    with serving(queue, labels, "ann") as address:
        screen = opening(address)
        screen.name()
        expect(screen.find("body")).not_to_contain_text("bob")
        screen.press("1")
        screen.says("bob said dog")
        screen.says("In dispute")
    assert written(labels)["0.png"].disputed


@contextmanager
def process(waiting: Waiting) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run `workflow review` in a process of its own; yield it and the address that it prints."""
    publish("killed", {"ReviewQueueUrl": waiting.url, "ReviewDeadLettersUrl": waiting.dead_letters})
    options = ["--stack", "killed", "--bucket", BUCKET, "--name", "pets", "--reviewer", "ann", "--no-open"]
    command = [sys.executable, "-m", "cli", "review", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            yield started, started.stdout.readline().removeprefix("Review as ann: ").strip()
        finally:
            started.terminate()


def test_a_server_that_is_killed_between_label_and_deletion_loses_nothing(
    waiting: Waiting, labels: Labels, opening: Opening
) -> None:
    for number in range(6):
        waiting.send(number)
    with process(waiting) as (server, address):
        screen = opening(address)
        before = [screen.press("1") for _ in range(3)]
        assert len(written(labels)) == 3
        assert sum(waiting.counts()) == 6
        server.kill()
        server.wait()
        left = screen.name()
        screen.page.keyboard.press("2")
        screen.complains("does not answer")
        assert screen.name() == left
    assert sum(waiting.counts()) == 6
    waiting.show_all()
    with process(waiting) as (server, address):
        screen = opening(address)
        after = [screen.press("2") for _ in range(3)]
        screen.ends()
        server.terminate()
        assert server.wait() == 0
    assert not {*before} & {*after}
    assert counted(labels) == dict.fromkeys(before, "cat") | dict.fromkeys(after, "dog")
    assert all(len(image.decisions) == 1 for image in written(labels).values())
    assert waiting.counts() == (0, 0)


def test_a_label_that_cant_be_written_is_said_and_its_image_comes_back(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    for number in range(3):
        waiting.send(number)
    fails = threading.Event()
    fails.set()

    def fail(**_: Any) -> None:
        if fails.is_set():
            raise OSError("unexpected")

    labels.s3.meta.events.register("before-call.s3.PutObject", fail)
    with serving(queue, labels) as address:
        screen = opening(address)
        name = screen.name()
        screen.page.keyboard.press("1")
        screen.complains("not written")
        assert screen.name() == name
        fails.clear()
        assert screen.press("1") == name
        expect(screen.find("#alert")).to_be_hidden()
    labels.s3.meta.events.unregister("before-call.s3.PutObject", fail)
    assert counted(labels) == {name: "cat"}


def test_hostile_names_are_shown_as_text_and_no_script_of_theirs_runs(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    key = f"incoming/{HOSTILE}"
    for number in range(2):
        waiting.send(number, s3_key=key, labels=[HOSTILE, "dog"], label=HOSTILE, release=HOSTILE)
        waiting.s3.put_object(Bucket=BUCKET, Key=key, Body=picture(number))
    with serving(queue, labels, HOSTILE) as address:
        screen = opening(address)
        dialogs: list[str] = []

        def note(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        screen.page.on("dialog", note)
        expect(screen.find(".who bdi").first).to_have_text(HOSTILE)
        expect(screen.find(".choice .name").first).to_have_text(HOSTILE)
        expect(screen.find("#facts")).to_contain_text(HOSTILE)
        screen.page.keyboard.press("1")
        screen.says(f"{HOSTILE} for {HOSTILE}.")
        screen.page.keyboard.press("g")
        expect(screen.find(".card option").first).to_have_text(HOSTILE)
        assert screen.find("img[src=x]").count() == 0
        assert dialogs == []


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(file, "PNG")
    return file.getvalue()


class Forger(BaseHTTPRequestHandler):
    """A page of another site that tries to decide an image, and says when it has."""

    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        pass


FORGERY = """<!doctype html><title>trying</title><script type="module">
const body = JSON.stringify(SENT)
const tries = ['text/plain', 'application/json'].flatMap((type) => ['cors', 'no-cors'].map((mode) => {
  const headers = { 'Content-Type': type }
  return fetch('ORIGINdecide', { method: 'POST', mode, credentials: 'include', headers, body })
}))
navigator.sendBeacon('ORIGINdecide', new Blob([body], { type: 'text/plain' }))
const picture = new Promise((done) => {
  const [onload, onerror] = ['shown', 'refused'].map((word) => () => done(word))
  Object.assign(new Image(), { onload, onerror, src: 'ORIGINimage/ID' })
})
const read = (await Promise.allSettled(tries)).filter((one) => one.value?.ok).length
document.title = `${read} read, ${await picture}`
</script>"""


def test_a_page_of_another_origin_cant_decide_and_sees_nothing(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address, HTTPServer(("127.0.0.1", 0), Forger) as other:
        screen = opening(address)
        screen.name()
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        message = (screen.find("#frame img").get_attribute("src") or "").rpartition("/")[2]
        csrf = screen.find("html").get_attribute("data-csrf")
        # As bad as it can be: the other page knows the secret of the page, and the browser has the cookie.
        sent = {"csrf": csrf, "decisions": [{"id": message, "label": "dog"}]}
        origin = address.partition("open")[0]
        Forger.page = FORGERY.replace("SENT", str(sent)).replace("ORIGIN", origin).replace("ID", message)
        for host in ("127.0.0.1", "localhost"):
            page = screen.page.context.new_page()
            page.goto(f"http://{host}:{other.server_address[1]}/")
            expect(page).to_have_title("0 read, refused")
        other.shutdown()
        thread.join()
        assert written(labels) == {}
        screen.press("1")
    assert counted(labels) == {"0.png": "cat"}


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
