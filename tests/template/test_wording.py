"""Words and phrases that readers stumble over, with what to write instead; none may occur in code, docs or messages."""

import re

import pytest

from tests.conftest import ROOT

SUFFIXES = {".py", ".md", ".yaml", ".toml", ".json", ".j2", ".mjs", ""}
FOLDERS = "benchmarks checks cli contracts docs events functions inference local monitoring"
FOLDERS += " review statemachine tests training"
SELF = {"tests/template/test_wording.py", "LICENSE"}

WORDS = {
    r"mend(s|ed|ing)?": "patch",
    r"rings|rang|rung": "fires, is in ALARM",
    r"leash": "supervisor",
    r"as room": "the module's own name",
    r"stray": "unexpected",
    r"takes? (an update|it|them) back|moves? back": "rolls back",
    r"still to be": "can still be",
    r"say what there is": "show this help",
    r"drill(ed|ing)? (the|a)": "benchmark",
    r"go on\?": "continue?",
    r"so (many|long|much)(?= at|\.|,|;| of| columns| instances| seconds| images)": "at most N, for N seconds",
    r"nothing stands|what stands|that stands": "is deployed",
    r"as in the course project": "baseline",
    r"goes on without": "keeps running",
    r"of no image": "matches no image",
    r"is no (time|duration|number|name|file)": "is not a",
    r"by chance": "random",
    r"(one|a|an) (row|line|image|result) an? (row|line|image|item|case)|one an? (row|line)": "one per row",
}
PATTERNS = {re.compile(rf"\b({words})(?!\w)", re.IGNORECASE): instead for words, instead in WORDS.items()}


def lines() -> list[tuple[str, int, str]]:
    """Return every line of ours with its file and number."""
    files = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".git")]
    files += [path for folder in FOLDERS.split() for path in (ROOT / folder).rglob("*") if path.is_file()]
    found = []
    for path in sorted(files):
        name = path.relative_to(ROOT).as_posix()
        if path.suffix in SUFFIXES and name not in SELF and "__pycache__" not in name:
            found += [(name, number, line) for number, line in enumerate(path.read_text().splitlines(), 1)]
    return found


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: PATTERNS[pattern])
def test_no_line_has_a_wording_that_readers_stumble_over(pattern: re.Pattern[str]) -> None:
    found = [f"{name}:{number}: {match[0]}" for name, number, line in lines() for match in pattern.finditer(line)]
    assert not found, f"write {PATTERNS[pattern]!r} instead:\n" + "\n".join(found)
