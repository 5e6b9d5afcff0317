from pathlib import Path

from monitoring.capture.span import Span
from monitoring.drift.check import check_drift
from monitoring.quality.evaluation import Prediction, assess
from monitoring.report.panels import drift_sketch, evaluation_sketch, write_png
from tests.unit.samples import CLASSES, baseline, capture_folder

PNG = b"\x89PNG"


def test_a_drift_check_is_drawn_and_names_what_drifted(tmp_path: Path) -> None:
    sketch = drift_sketch(check_drift("pedals", baseline(), capture_folder(tmp_path, 40), Span()))
    assert sketch is not None
    assert "label mix" in sketch.alt
    assert write_png(tmp_path / "out", sketch).startswith(PNG)
    assert (tmp_path / "out" / "drift.png").read_bytes().startswith(PNG)


def test_an_empty_window_has_no_chart(tmp_path: Path) -> None:
    assert drift_sketch(check_drift("pedals", baseline(), capture_folder(tmp_path, 0), Span())) is None


def test_an_evaluation_is_drawn_with_its_recommended_threshold(tmp_path: Path) -> None:
    right = [Prediction(str(n), "bicycle", "bicycle", 0.5 + n / 20, (0.5, 0.5)) for n in range(10)]
    write_png(tmp_path, evaluation_sketch(assess("pedals", "pedals", CLASSES, right, 0.02)))
    assert (tmp_path / "coverage.png").read_bytes().startswith(PNG)
