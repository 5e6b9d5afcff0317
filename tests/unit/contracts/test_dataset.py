import json
import re
from typing import Any

import pytest

from contracts.dataset import DatasetError, DatasetRecord, ListEntry, dataset_folder, format_lst, parse_lst

RECORD = DatasetRecord(
    name="pets",
    classes=("cat", "dog"),
    max_side=32,
    exact=False,
    counts={"train": {"cat": 3, "dog": 2}, "test": {"cat": 1, "dog": 1}},
    source="a folder",
    source_sha256="0" * 64,
    sha256="1" * 64,
)


def changed(**changes: Any) -> str:
    return json.dumps({**json.loads(RECORD.to_json()), **changes})


def test_a_record_survives_writing_and_reading() -> None:
    assert DatasetRecord.from_json(RECORD.to_json()) == RECORD
    assert DatasetRecord.from_json(RECORD.to_json().encode()) == RECORD
    assert RECORD.to_json() == json.dumps(json.loads(RECORD.to_json()), indent=2) + "\n"


def test_a_record_of_a_later_version_is_read_for_what_is_known_here() -> None:
    assert DatasetRecord.from_json(changed(licence="CC0")) == RECORD


def test_the_smallest_image_has_one_pixel() -> None:
    assert DatasetRecord.from_json(changed(max_side=1)).max_side == 1


def test_counts_add_up_by_split() -> None:
    assert (RECORD.count("train"), RECORD.count("test")) == (5, 2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON: Expecting value"),
        (b"\xff", "it is not UTF-8 text"),
        ("[]", "a part has another type"),
        ("null", "a part has another type"),
        ("{}", "it has no name"),
        (RECORD.to_json().replace('"sha256"', '"sha"'), "it has no sha256"),
        (changed(classes="catdog"), "a part has another type: classes is not a list of names"),
        (changed(classes=["cat", 1]), "a part has another type: classes is not a list of names"),
        (changed(max_side="32"), "max_side is '32'"),
        (changed(max_side=0), "max_side is 0"),
        (changed(exact="no"), "exact is 'no'"),
        (changed(counts={"train": {"cat": 3, "dog": 2}}), "counts is {'train'"),
        (changed(counts={"train": {"cat": 3, "dog": 2}, "test": {"cat": 1}}), "counts is {'train'"),
        (changed(counts={"train": 3, "test": 1}), "a part has another type"),
    ],
)
def test_a_record_that_is_none_is_refused_by_its_place(text: str | bytes, why: str) -> None:
    with pytest.raises(
        DatasetError, match=r"^here is not the record of a data set \(.*\); stage it again\.$"
    ) as refusal:
        DatasetRecord.from_json(text, "here")
    assert why in str(refusal.value)


def test_a_record_without_a_place_goes_by_its_files_name() -> None:
    with pytest.raises(DatasetError, match=r"^dataset\.json is not the record"):
        DatasetRecord.from_json("{}")


@pytest.mark.parametrize("name", ["a", "0", "cifar100", "my_pets-2", "a" * 63])
def test_a_plain_name_is_a_folder_of_data_sets(name: str) -> None:
    assert dataset_folder(name) == f"datasets/{name}"


def test_a_record_knows_its_folder() -> None:
    assert RECORD.folder == "datasets/pets"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "a b", "-a", "_a", "a\n", "a" * 64, "é"])
def test_a_name_that_is_no_part_of_a_key_is_refused(name: str) -> None:
    with pytest.raises(DatasetError) as refusal:
        dataset_folder(name)
    assert str(refusal.value) == (f"{name!r} can't name a data set: use small letters, digits, - and _ (63 at most).")


def test_a_list_survives_writing_and_reading() -> None:
    entries = [ListEntry(0, 1, "a.png"), ListEntry(7, 0, "folder/b c\x0b\u2028.png")]

    assert format_lst(entries) == "0\t1\ta.png\n7\t0\tfolder/b c\x0b\u2028.png\n"
    assert parse_lst(format_lst(entries), 2, "here") == entries


@pytest.mark.parametrize("text", ["0\t0\ta.png\n1\t1\tb.png", "0\t0\ta.png\r\n1\t1\tb.png\r\n"])
def test_a_list_may_lack_its_last_line_end_or_come_from_windows(text: str) -> None:
    assert parse_lst(text, 2, "here") == [ListEntry(0, 0, "a.png"), ListEntry(1, 1, "b.png")]


@pytest.mark.parametrize("text", ["", "0\t0\ta.png\n0\t1\tb.png\n", "0\t0\ta.png\n00\t1\tb.png\n"])
def test_an_empty_list_and_a_repeated_index_are_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"^here is empty or repeats an index; stage the data set again\.$"):
        parse_lst(text, 2, "here")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "is not 'index<TAB>class<TAB>path': ''"),
        ("1 0 a.png", "is not 'index<TAB>class<TAB>path': '1 0 a.png'"),
        ("1\t0", "is not 'index"),
        ("1\t0\t", "is not 'index"),
        ("1\t0\ta\tb", "is not 'index"),
        ("1\t0\ta\0b", "is not 'index"),
        ("x\t0\ta.png", "is not 'index"),
        ("-1\t0\ta.png", "is not 'index"),
        ("1\t-1\ta.png", "is not 'index"),
        ("1\t0.5\ta.png", "is not 'index"),
        ("²\t0\ta.png", "is not 'index"),
        (f"{'9' * 19}\t0\ta.png", "is not 'index"),
        ("1\t2\ta.png", "has class 2, but there are 2 classes"),
        ("1\t0\t/a.png", "has a path that leaves its split: '/a.png'"),
        ("1\t0\ta/../../b.png", "has a path that leaves its split"),
        ("1\t0\t..", "has a path that leaves its split"),
        ("1\t0\t.", "has a path that leaves its split"),
    ],
)
def test_a_line_that_is_no_image_is_named_by_its_number(line: str, why: str) -> None:
    with pytest.raises(DatasetError, match=rf"^here, line 2 {re.escape(why)}.*; stage the data set again\.$"):
        parse_lst(f"0\t0\ta.png\n{line}\n", 2, "here")


def test_the_longest_numbers_and_the_last_class_are_read() -> None:
    assert parse_lst(f"{'9' * 18}\t1\ta..png\n", 2, "here") == [ListEntry(10**18 - 1, 1, "a..png")]


def test_the_record_of_an_older_version_says_to_stage_again() -> None:
    old = json.loads(RECORD.to_json())
    old["image_size"] = old.pop("max_side")
    del old["exact"]
    with pytest.raises(DatasetError, match=r"is not the record of a data set \(it has no max_side\); stage it again"):
        DatasetRecord.from_json(json.dumps(old))
