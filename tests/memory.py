"""How much memory a process took."""

import re
from pathlib import Path


def peak_memory() -> int:
    """Return the most bytes that this process has had in memory since its program was started.

    `getrusage` would count what the process was before: a copy of its parent, however large that was.
    """
    match = re.search(r"^VmHWM:\s+([0-9]+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert match
    return int(match[1]) * 1024
