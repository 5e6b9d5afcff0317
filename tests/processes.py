"""Processes that tests start: what runs under them, and an environment that leads to no stack."""

import os
from pathlib import Path

# A program, given to `python -c` before the rest of it: its first argument is an operation, such as
# `sagemaker.CreateModel`, and as soon as AWS has answered it the process is killed.
DIES_AFTER = (
    "import os, signal, sys, boto3; boto3.setup_default_session();"
    "die = lambda **_: os.kill(os.getpid(), signal.SIGKILL);"
    "boto3.DEFAULT_SESSION.events.register('after-call.' + sys.argv.pop(1), die);"
)


def bare_environment() -> dict[str, str]:
    """Return this process's environment without the variables that lead to AWS or to a stack in its place."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WORKFLOW_"))}


def without_stack() -> dict[str, str]:
    """Return this process's environment, in which moto's mocks answer and not a stack that another test runs."""
    return {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"}


def children(pid: int) -> list[int]:
    """Return the numbers of all processes below one, at any depth."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            numbers = [int(number) for number in task.read_text().split()]
        except FileNotFoundError:
            continue  # it ended meanwhile
        for number in numbers:
            found += [number, *children(number)]
    return found


def command(pid: int) -> str:
    """Return a process's command line, or nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except FileNotFoundError:
        return ""
