"""The command line in this process, and whether it takes the commands that messages tell a user to run."""

import ast
import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
import typer
import typer.main

import cli
from tests.conftest import ROOT

# Typer exports what is below this error, and not the error itself.
(UsageError,) = typer.BadParameter.__bases__
QUOTED = re.compile(r"`(workflow [^`]+)`")


def schema(verb: str) -> jsonschema.Draft202012Validator:
    """Return what checks the JSON that a verb prints."""
    read = json.loads((ROOT / f"cli/schemas/{verb}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(read)
    return jsonschema.Draft202012Validator(read)


def workflow(*words: str) -> int:
    """Run the command in this process and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["workflow", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 1


def parse(command: str) -> None:
    """Parse a command, or several with `&&` between, by the real command line; raises UsageError."""
    group = typer.main.get_group(cli.app)
    for one in command.split("&&"):
        program, name, *options = shlex.split(one)
        assert program == "workflow", one
        # --help and --version end the program, where anything wrong would be a usage error.
        with suppress(typer.Exit):
            if name.startswith("-"):
                group.make_context(program, [name, *options])
            else:
                assert name in group.commands, f"There is no verb {name}."
                group.commands[name].make_context(name, options)


def quoted(text: str) -> list[str]:
    """Return the commands that a text has in backquotes."""
    return QUOTED.findall(text)


def in_source(path: Path) -> Iterator[str]:
    """Yield the commands in backquotes in a module's strings; what is filled in later is the word `filled`."""
    tree = ast.parse(path.read_text())
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else "filled" for one in node.values)
            yield from quoted("".join(str(part) for part in parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
            yield from quoted(node.value)
