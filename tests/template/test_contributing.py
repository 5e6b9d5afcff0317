"""CONTRIBUTING.md and the pre-commit hooks say what the Makefile and the repository have."""

import re

from samtranslator.yaml_helper import yaml_parse

from tests.conftest import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()


def test_the_hooks_run_what_make_check_runs() -> None:
    (parts,) = re.findall(r"^check: ([a-z ]+) ##", MAKEFILE, re.MULTILINE)
    (repository,) = yaml_parse((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == [f"make {part}" for part in parts.split()]


def test_every_make_command_that_the_guide_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", GUIDE, re.MULTILINE)) <= targets


def test_every_path_that_the_guide_names_exists() -> None:
    named = set(re.findall(r"(?<![\w/])((?:\.\w+|[a-z]+)/[\w./]*)", re.sub(r"https?://\S+", "", GUIDE)))
    named |= set(re.findall(r"`([\w.]+\.(?:md|toml|txt))`", GUIDE))
    assert {name for name in named if not name.startswith((".venv/", "out/")) and not (ROOT / name).exists()} == set()
