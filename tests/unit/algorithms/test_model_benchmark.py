"""The model benchmark runs from an archive to both tables."""

from pathlib import Path

import pytest

from benchmarks import model
from training.datasets.sample import sample_archive


def test_the_benchmark_measures_every_method_and_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = sample_archive(tmp_path, counts={"train": 12, "test": 4})
    model.main(["--archive", str(archive), "--seeds", "1"])
    printed = capsys.readouterr().out
    rows = {cells[0].strip(): cells[1:] for line in printed.splitlines() if len(cells := line.split("│")[1:-1]) > 1}
    assert set(model.METHODS) <= set(rows)
    for name in model.METHODS:
        mean, spread = map(float, rows[name][0].split("±"))
        assert 0 <= mean <= 1
        assert spread == 0
        assert 0 <= float(rows[name][1]) <= 1
    assert rows["peak memory of training"][0].strip().endswith("MB")
    assert rows["predict_proba, one image, median"][0].strip().endswith("ms")
