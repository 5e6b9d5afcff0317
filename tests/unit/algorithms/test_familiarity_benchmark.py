"""The benchmark of familiarity runs from an archive, photographs and other pictures to both of its tables."""

from pathlib import Path

import pytest
from PIL import Image

from benchmarks import familiarity
from tests.images import encoded, gradient
from training.datasets.sample import sample_archive


def test_the_benchmark_finds_other_things_beside_each_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = sample_archive(tmp_path, ("bicycle", "motorcycle"), counts={"train": 8, "test": 2})
    for name, width in (("tall", 40), ("wide", 80)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(14):
            (tmp_path / "photos" / name / f"{index}.png").write_bytes(encoded(gradient(width + index, 60)))
    others = tmp_path / "noise"
    others.mkdir()
    (others / "noise.png").write_bytes(encoded(Image.effect_noise((90, 70), 80)))
    # Left out: of the classes, too small, and none.
    (others / "chelsea.png").write_bytes(encoded(gradient(80, 80)))
    (others / "tiny.png").write_bytes(encoded(gradient(20, 20)))
    (others / "torn.png").write_bytes(encoded(gradient(80, 80))[:50])
    monkeypatch.setattr(familiarity, "PACKAGES", (others,))
    familiarity.main(["--archive", str(archive), "--photos", str(tmp_path / "photos"), "--seeds", "1"])
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    measured = {tuple(row[:2]): [float(cell) for cell in row[2:]] for row in rows if row[1].isdigit()}
    noise = ("pictures of packages", str(1 + familiarity.PARTS))
    assert set(measured) == {("bicycle and motorcycle", "20"), ("tall and wide", "28"), noise}
    assert all(0 <= value <= 1 for values in measured.values() for value in values)
    assert measured[noise][0] > 0.9
    assert printed.count("False alarms on images left out: ") == 2
