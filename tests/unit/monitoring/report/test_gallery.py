from collections import Counter

from monitoring.capture.records import CaptureRecord, parse_file
from monitoring.report.gallery import SHOWN, Gallery, Pair
from tests.unit.samples import captured, execution, lines


def pair(number: int, outcome: str = "ACCEPTED", confidence: float = 0.9) -> Pair:
    [record] = parse_file("a", lines(captured()))
    assert isinstance(record, CaptureRecord)
    return Pair(execution(number, outcome, confidence), record)


def test_a_short_stream_is_shown_whole_and_a_pair_without_confidence_never() -> None:
    gallery = Gallery()
    for number in range(5):
        gallery.add(pair(number, confidence=0.9 - number / 10))
    gallery.add(pair(9, "FAILED"))
    assert [p.execution.case[-1] for p in gallery.least_confident()] == ["4", "3", "2", "1", "0"]
    assert [p.execution.case[-1] for p in gallery.random_sample()] == ["0", "1", "2", "3", "4"]


def test_images_by_chance_are_a_fair_sample_of_the_stream() -> None:
    pairs = [pair(number) for number in range(4 * SHOWN)]
    kept = Counter[str]()
    for seed in range(200):
        gallery = Gallery(seed)
        for one in pairs:
            gallery.add(one)
        assert len({p.execution.case for p in gallery.random_sample()}) == SHOWN
        kept.update(p.execution.case for p in gallery.random_sample())
    assert all(20 <= kept[one.execution.case] <= 80 for one in pairs)
