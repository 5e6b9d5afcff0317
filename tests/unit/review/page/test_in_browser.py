"""The page in a real browser, with a real queue and bucket behind it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from local.stack_outputs import publish
from review.labels import Labels
from review.queue import ReviewQueue
from tests.browsers import needs_chromium
from tests.conftest import ROOT
from tests.unit.review.page.browsers import Opening, Screen, counted, serving, written
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET
from tests.waiting import wait_until

pytestmark = needs_chromium


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
