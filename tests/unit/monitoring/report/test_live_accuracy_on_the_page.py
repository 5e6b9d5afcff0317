"""The live accuracy on the report's page."""

from pathlib import Path

from contracts.labels import LabelledImage
from contracts.outcomes import ReviewReason
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_quality import LiveQuality
from monitoring.report.matching import match_executions
from monitoring.report.page import Report, write_report
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.samples import execution

HOSTILE = "<script>alert(1)</script>"


def page(tmp_path: Path, images: list[LabelledImage] | None) -> str:
    # Of these no charts are drawn.
    executions = [execution(1, "REJECTED")]
    live = None if images is None else LiveQuality("pets", live_accuracy(images, 0.02))
    write_report(tmp_path, Report(executions, *match_executions(executions, []), live=live))
    text = (tmp_path / "report.html").read_text()
    return " ".join(text.split("<h2>Live accuracy</h2>")[1].split("<h2>")[0].split())


def test_the_page_has_the_promise_and_the_error_by_class_and_by_release(tmp_path: Path) -> None:
    images = [image(decision(n, "other" if n < 9 else "cat", release=HOSTILE)) for n in range(12)]
    text = page(tmp_path, images)
    assert '<li class="bad">' in text
    assert "The promised error of 2.0% is broken since 2026-03-01 00:07 UTC: 9 of 12 audited answers are wrong." in text
    for name in ("All", "Class cat", "Release &lt;script&gt;alert(1)&lt;/script&gt;"):
        assert f'<td class="name">{name}</td><td class="number">12</td><td class="number">9</td>' in text
    assert '<td class="number">75.0%</td>' in text


def test_without_labels_the_page_says_in_one_line_how_to_get_them(tmp_path: Path) -> None:
    nothing: tuple[list[LabelledImage] | None, ...] = (None, [])
    for images in nothing:
        text = page(tmp_path, images)
        assert "<code>workflow review</code> lets people decide about images in use" in text
        assert "<table>" not in text


def test_labels_without_an_audit_say_what_is_known_and_where_the_audit_comes_from(tmp_path: Path) -> None:
    text = page(tmp_path, [image(decision(0, "cat", reason=ReviewReason.UNFAMILIAR))])
    assert "the model was right about 1 of 1 (100%)." in text
    assert "<code>AuditRate</code> sends a share of them" in text
    assert "promised" not in text
