"""What runs under a process, read from /proc."""

from pathlib import Path


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
