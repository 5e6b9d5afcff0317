"""The commands that the project's messages tell a user to run, and whether the command line takes them."""

import ast
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import typer
import typer.main

import cli

# Typer exports what is below this error, and not the error itself.
(UsageError,) = typer.BadParameter.__bases__
QUOTED = re.compile(r"`(workflow [^`]+)`")


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
