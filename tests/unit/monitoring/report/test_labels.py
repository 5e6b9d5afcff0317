from pathlib import Path

import pytest

from monitoring.report.labels import LabelsError, read_labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,label\na,b\n", "no column 'id'"),
        ("id,label\na,bicycle\na,motorcycle\n", "two labels"),
        ("id,label\na\n", "no label for a"),
    ],
)
def test_labels_that_can_not_be_meant_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(LabelsError, match=message):
        read_labels(tmp_path / "labels.csv")


def test_a_file_of_labels_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match=r"labels\.csv can't be read"):
        read_labels(tmp_path / "labels.csv")
