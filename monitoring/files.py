"""Files that are either whole or not there."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write *content* beside *path* and rename, so that no reader ever meets half a file. Folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
