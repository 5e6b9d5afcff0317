import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from inference.ledger import COLUMNS, Ledger, LedgerError
from inference.ledger_parquet import write_parquet
from inference.manifest import Image


def csv_of_a_ledger(folder: Path) -> Path:
    ledger = Ledger(folder / "ledger.sqlite")
    accepted, waiting = Image("b", 'a, "é"\n.png'), Image("b", "b.png")
    ledger.list([accepted, waiting])
    row = {"item": vars(accepted), "outcome": "ACCEPTED", "label": "bicycle", "confidence": 0.97}
    ledger.record(ledger.begin_run(0, "x"), [row])
    path = ledger.write_csv(folder / "ledger.csv")
    ledger.close()
    return path


def test_the_parquet_ledger_has_the_rows_of_the_csv_with_numbers_as_numbers(tmp_path: Path) -> None:
    rows = parquet.read_table(write_parquet(csv_of_a_ledger(tmp_path))).to_pylist()
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["s3_key"], row["outcome"], row["confidence"]) for row in rows] == [
        ('a, "é"\n.png', "ACCEPTED", 0.97),
        ("b.png", None, None),
    ]


@pytest.mark.parametrize("word", ["null", "NA", "NaN", "N/A", "#N/A"])
def test_a_word_that_other_programs_write_for_nothing_stays_a_word(tmp_path: Path, word: str) -> None:
    image = Image("b", word)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.list([image])
    ledger.record(ledger.begin_run(0, "x"), [{"item": vars(image), "outcome": "ACCEPTED", "label": word}])
    path = ledger.write_csv(tmp_path / "ledger.csv")
    ledger.close()
    (row,) = parquet.read_table(write_parquet(path)).to_pylist()
    assert (row["s3_key"], row["label"], row["error"]) == (word, word, None)


def test_without_pyarrow_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = csv_of_a_ledger(tmp_path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(LedgerError, match=r"\[parquet\]"):
        write_parquet(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.csv", "ledger.sqlite"]
