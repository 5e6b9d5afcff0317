"""docs/reliability.md has a row for every drill, and for nothing else."""

import re
from collections import Counter

from tests.drills import DOCUMENT, marked, page

ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \|$", re.MULTILINE)


def test_the_page_names_every_drill_and_no_other_with_its_kind() -> None:
    named = set()
    for section in DOCUMENT.read_text().split("\n## ")[1:]:
        kind = section.partition("\n")[0]
        named |= {(kind, sentence) for sentence, _, _ in ROW.findall(section)}
    assert named == {(drill.kind, drill.sentence) for drill in marked()}
    assert len(named) >= 30


def test_every_drill_was_run_and_passed() -> None:
    rows = ROW.findall(DOCUMENT.read_text())
    assert [sentence for sentence, runs, passed in rows if runs != passed or not int(runs)] == []


def test_failed_and_skipped_cases_are_counted_as_what_they_are() -> None:
    drill = next(marked())
    counts = {(drill.module, drill.function): Counter(passed=3, failure=1, skipped=2)}
    assert ROW.findall(page([drill], counts, 1)) == [(drill.sentence, "4", "3")]
