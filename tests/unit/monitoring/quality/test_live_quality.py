"""What is told of a model in use."""

import json
import re

import pytest
from rich.console import Console

from contracts.labels import LabelledImage
from contracts.outcomes import ReviewReason
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_quality import LiveQuality, findings_of
from monitoring.quality.live_show import view_quality
from monitoring.quality.review_rate import ReviewRate
from monitoring.quality.verdict import Finding, Level
from tests.unit.monitoring.quality.audited import decision, image


def quality(images: list[LabelledImage], rate: ReviewRate | None = None) -> LiveQuality:
    return LiveQuality("pets", live_accuracy(images, 0.02), rate)


def audited(right: int, wrong: int = 0) -> list[LabelledImage]:
    return [image(decision(number, "cat" if number < right else "dog")) for number in range(right + wrong)]


def reviewed(right: int, wrong: int) -> list[LabelledImage]:
    reason = ReviewReason.LOW_CONFIDENCE
    return [image(decision(n, "cat" if n < right else "dog", reason=reason)) for n in range(right + wrong)]


@pytest.mark.parametrize(
    ("images", "first"),
    [
        (
            audited(149),
            Finding(
                Level.GOOD,
                "The promised error of 2.0% holds: 0 of 149 audited answers are wrong, so that at most 2.0% of all "
                "are, with 95% confidence.",
            ),
        ),
        (
            audited(100),
            Finding(
                Level.NOTICE,
                "Whether the promised error of 2.0% holds is not yet known: 0 of 100 audited answers are wrong. It "
                "takes at least 49 more that are right.",
            ),
        ),
        (
            audited(3, 9),
            Finding(
                Level.BAD,
                "The promised error of 2.0% is broken since 2026-03-01 00:10 UTC: 9 of 12 audited answers are wrong.",
            ),
        ),
    ],
)
def test_a_promise_holds_is_broken_since_a_moment_or_is_not_yet_known(
    images: list[LabelledImage], first: Finding
) -> None:
    assert findings_of(quality(images))[0] == first


def test_a_threshold_is_too_strict_where_what_it_sends_to_review_is_no_more_wrong_than_promised() -> None:
    strict, fair = findings_of(quality(reviewed(149, 0))), findings_of(quality(reviewed(148, 1)))
    assert strict[0].level is Level.BAD
    assert strict[0].text.endswith("right about 149 of 149: the threshold is too strict.")
    assert fair[0].level is Level.NOTICE
    assert fair[0].text.endswith("right about 148 of 149 (99%).")


def test_the_review_rate_is_told_where_images_were_classified() -> None:
    told = [one.text for one in findings_of(quality([], ReviewRate(900, 100)))]
    assert told[0] == "10.0% of 1,000 images went to review in the last 7 days."
    assert findings_of(quality([], ReviewRate(0, 0))) == findings_of(quality([]))


def test_people_agree_as_often_as_two_of_them_gave_an_image_the_same_label() -> None:
    images = [
        image(decision(0, "cat"), decision(1, "cat", reviewer="bob")),
        image(decision(0, "cat"), decision(1, "dog", reviewer="bob")),
    ]
    told = findings_of(quality(images))[-1].text
    assert told == "Two people gave the same image the same label 1 of 2 times; 1 images are in dispute."
    assert "not known" in findings_of(quality(audited(1)))[-1].text


def test_it_is_empty_only_while_nobody_decided() -> None:
    assert quality([]).is_empty
    assert quality([image(decision(0, "cat", undone=True))]).is_empty
    assert not quality(audited(1)).is_empty
    assert not quality(reviewed(0, 1)).is_empty
    assert not quality([image(decision(0, "cat"), decision(1, "dog", reviewer="bob"))]).is_empty


def test_the_record_has_whether_the_promise_holds_and_times_as_text() -> None:
    told = json.loads(quality(audited(3, 9)).to_json())
    assert told["dataset"] == "pets"
    assert (told["accuracy"]["promise"], told["accuracy"]["broken_since"]) == ("broken", "2026-03-01T00:10:00+00:00")
    assert told["accuracy"]["error"]["wrong"] == 9
    assert json.loads(quality([]).to_json())["accuracy"]["broken_since"] is None


def shown(found: LiveQuality, color: bool = False) -> str:
    console = Console(width=100, force_terminal=color, color_system="standard" if color else None)
    with console.capture() as captured:
        console.print(view_quality(found))
    return captured.get()


def test_the_screen_has_the_error_of_all_of_each_class_and_of_each_release_and_fits() -> None:
    images = [image(decision(n, "x", answer=f"class{n:02}", release=f"r{n % 2}")) for n in range(40)]
    text = shown(quality(images, ReviewRate(9, 1)))
    assert re.search(r"^all +40 +40 +100\.0% +91\.2% to 100\.0%", text, re.MULTILINE)
    assert text.count("class class") == 8
    assert "32 classes with a smaller error are not shown." in text
    assert "release r0" in text
    assert "release r1" in text
    assert len(text.splitlines()) < 24


def test_only_what_is_good_or_bad_has_a_colour() -> None:
    assert "\x1b[32m" in shown(quality(audited(149)), color=True)
    assert "\x1b[31m" in shown(quality(audited(3, 9)), color=True)
    assert "\x1b" not in shown(quality(audited(10)), color=True).replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_without_an_audited_answer_the_screen_says_how_to_get_one() -> None:
    text = " ".join(shown(quality(reviewed(3, 1))).split())
    assert "Nobody has decided about an accepted image of pets yet" in text
    assert "AuditRate sends a share of them to `workflow review`" in text
    assert "right about 3 of 4 (75%)" in text
