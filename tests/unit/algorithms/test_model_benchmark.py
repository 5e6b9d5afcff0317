"""The model benchmark runs from an archive and a folder of photographs to all of its tables."""

from pathlib import Path

import pytest

from benchmarks import model
from tests.images import encoded, gradient
from training.datasets.sample import sample_archive


def test_the_benchmark_measures_every_method_and_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = sample_archive(tmp_path, ("bicycle", "motorcycle"), counts={"train": 8, "test": 2})
    for name, width in (("tall", 40), ("wide", 80)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(6):
            (tmp_path / "photos" / name / f"{index}.png").write_bytes(encoded(gradient(width + index, 60), "PNG"))
    model.main(["--archive", str(archive), "--photos", str(tmp_path / "photos"), "--seeds", "1", "--requests", "80"])
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    compared = [row for row in rows if "±" in row[1]]
    last = "backbone, mirror kernel ridge"
    assert [len(row) for row in compared if row[0] == last] == [5, 4]
    assert len(compared) == 2 * len({row[0] for row in compared}) == 12
    for _, scores, _, covered, *_ in compared:
        mean, spread = map(float, scores.split("±"))
        assert 0 <= mean <= 1
        assert spread == 0
        assert 0 <= float(covered) <= 1
    measured = {row[0]: row[1] for row in rows if len(row) == 2}
    assert measured["peak memory of training"].endswith("MB")
    assert measured["POST /invocations, median"].endswith("ms")
