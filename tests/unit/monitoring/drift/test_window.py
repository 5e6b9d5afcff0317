import base64
import io
from collections import Counter

import pytest
from PIL import Image

from monitoring.capture.records import CaptureError, CaptureRecord, SkippedLine, parse_file
from monitoring.drift.measures import MEASURES
from monitoring.drift.window import Reservoir, Window
from tests.unit.samples import CLASSES, answered, captured, lines, png


def record(number: int = 0, **changes: str) -> CaptureRecord:
    [parsed] = parse_file("a", lines(captured(f"e{number}", **changes)))
    assert isinstance(parsed, CaptureRecord)
    return parsed


def grey(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 16), level).save(buffer, "PNG")
    return buffer.getvalue()


def first_pixels(reservoir: Reservoir) -> list[int]:
    return [int(image[0, 0, 0]) for image in reservoir.images()[0]]


def test_a_window_counts_what_it_can_not_use() -> None:
    window = Window(CLASSES, 32)
    window.add(record(1))
    window.add(record(2, data=base64.b64encode(b"no image").decode()))
    window.add(record(3, output="[0.2, 0.3, 0.5]"))
    window.add(SkippedLine("a", 1, "torn"))
    sample = window.sample()
    assert (window.records, window.undecodable, window.unlike, window.skipped) == (3, 1, 1, 1)
    assert (len(sample.measures), len(sample.descriptions), sample.labels) == (2, 2, ("bicycle", "bicycle"))


def test_an_answer_that_describes_itself_is_of_the_baselines_classes_or_unlike() -> None:
    window = Window(CLASSES, 32)
    window.add(record(1, output=answered(probabilities=[0.2, 0.8])))
    window.add(record(2, output=answered(labels=["tram", "bus"])))
    assert (window.records, window.unlike, window.sample().labels) == (2, 1, ("motorcycle",))


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
    monkeypatch.setattr("monitoring.drift.window.SAMPLE", 5)
    stream = [record(level, data=base64.b64encode(grey(level)).decode()) for level in range(50)]
    kept = Counter[int]()
    for seed in range(400):
        reservoir = Reservoir(16, seed)
        for one in stream:
            reservoir.add(one)
        kept.update(first_pixels(reservoir))
    assert kept.total() == 400 * 5
    assert all(15 <= kept[level] <= 75 for level in range(50))


def test_every_kind_of_record_is_counted_as_often_as_it_comes() -> None:
    seen = Window(CLASSES, 32)
    for number in range(2):
        seen.add(record(number, output="[0.2, 0.8]"))
        seen.add(record(number, data=base64.b64encode(b"no image").decode()))
        seen.add(record(number, output="[0.2, 0.3, 0.5]"))
        seen.add(SkippedLine("a", number, "torn"))
    assert (seen.records, seen.undecodable, seen.unlike, seen.skipped, seen.images_seen) == (6, 2, 2, 2, 4)
    assert seen.sample().labels == ("motorcycle", "bicycle") * 2
    assert seen.sample().confidence.tolist() == [0.8, 0.9] * 2


def test_a_window_reaches_from_its_first_record_to_its_last_in_any_order() -> None:
    seen = Window(CLASSES, 32)
    for hour in (10, 9, 11, 10):
        seen.add(record(hour, time=f"2026-11-23T{hour:02d}:00:00Z"))
    assert (seen.first, seen.last) == (
        record(time="2026-11-23T09:00:00Z").time,
        record(time="2026-11-23T11:00:00Z").time,
    )


def test_the_sample_has_each_images_aspect() -> None:
    seen = Window(CLASSES, 32)
    for size in ((80, 40), (40, 80)):
        seen.add(record(data=base64.b64encode(png(0, size)).decode()))
    assert seen.sample().measures[:, MEASURES.index("aspect")].tolist() == [2.0, 0.5]


def test_an_image_that_takes_anothers_place_takes_its_aspect_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.drift.window.SAMPLE", 3)
    reservoir = Reservoir(16)
    for level in range(1, 20):
        flat = io.BytesIO()
        Image.new("L", (16 * level, 16), level).save(flat, "PNG")
        reservoir.add(record(level, data=base64.b64encode(flat.getvalue()).decode()))
    images, aspects = reservoir.images()
    assert [image.shape for image in images] == [(16, 16, 3)] * 3
    assert first_pixels(reservoir) == aspects
    assert (reservoir.seen, max(aspects) > 3) == (19, True)


def test_images_up_to_the_size_of_the_sample_are_all_kept_and_later_ones_are_drawn_the_same_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitoring.drift.window.SAMPLE", 4)
    kept = []
    for _ in range(2):
        reservoir = Reservoir(16)
        for level in range(4):
            reservoir.add(record(level, data=base64.b64encode(grey(level)).decode()))
        assert first_pixels(reservoir) == [0, 1, 2, 3]
        for level in range(4, 30):
            reservoir.add(record(level, data=base64.b64encode(grey(level)).decode()))
        kept.append(first_pixels(reservoir))
    assert kept[0] == kept[1] != [0, 1, 2, 3]


def test_an_image_that_cannot_be_decoded_takes_no_place() -> None:
    reservoir = Reservoir(16)
    with pytest.raises(CaptureError):
        reservoir.add(record(data=base64.b64encode(b"no image").decode()))
    assert reservoir.seen == 0
    assert reservoir.images() == ([], [])


def test_of_two_images_each_is_kept_half_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitoring.drift.window.SAMPLE", 1)
    stream = [record(level, data=base64.b64encode(grey(level)).decode()) for level in (0, 1)]
    second = 0
    for seed in range(300):
        reservoir = Reservoir(16, seed)
        for one in stream:
            reservoir.add(one)
        second += first_pixels(reservoir)[0]
    # Within four standard errors.
    assert 115 <= second <= 185
