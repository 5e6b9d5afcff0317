import base64
import io
from collections import Counter

import pytest
from PIL import Image

from monitoring.capture.records import CaptureRecord, SkippedLine, parse_file
from monitoring.drift import window as room
from monitoring.drift.window import Reservoir, Window
from tests.unit.samples import CLASSES, captured, lines


def record(number: int = 0, **changes: str) -> CaptureRecord:
    [parsed] = parse_file("a", lines(captured(f"e{number}", **changes)))
    assert isinstance(parsed, CaptureRecord)
    return parsed


def grey(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 16), level).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_window_counts_what_it_can_not_use() -> None:
    window = Window(CLASSES, 32)
    window.add(record(1))
    window.add(record(2, data=base64.b64encode(b"no image").decode()))
    window.add(record(3, output="[0.2, 0.3, 0.5]"))
    window.add(SkippedLine("a", 1, "torn"))
    sample = window.sample()
    assert (window.records, window.undecodable, window.unlike, window.skipped) == (3, 1, 1, 1)
    assert (len(sample.measures), len(sample.descriptions), sample.labels) == (2, 2, ("bicycle", "bicycle"))


def test_a_record_without_an_input_or_an_output_counts_for_what_it_has() -> None:
    window = Window(CLASSES, 32)
    window.add(record(1, data=""))
    row = captured("e2")
    del row["captureData"]["endpointOutput"]
    [blind] = parse_file("a", lines(row))
    window.add(blind)
    sample = window.sample()
    assert (len(sample.measures), len(sample.labels), window.undecodable) == (1, 1, 0)


def test_an_empty_window_has_an_empty_sample_and_no_times() -> None:
    window = Window(CLASSES, 32)
    assert len(window.sample().descriptions) == len(window.sample().confidence) == 0
    assert window.first is window.last is None


def test_the_images_kept_are_a_fair_sample_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SAMPLE", 5)
    stream = [record(level, data=base64.b64encode(grey(level)).decode()) for level in range(50)]
    kept = Counter[int]()
    for seed in range(400):
        reservoir = Reservoir(16, seed)
        for one in stream:
            reservoir.add(one)
        kept.update(reservoir.images()[0][:, 0, 0, 0].tolist())
    assert kept.total() == 400 * 5
    assert all(15 <= kept[level] <= 75 for level in range(50))
