"""Saves what a running stack has made, and gives it back to the next one.

Parts are saved from those that are deleted last to those that are written first: a message is deleted after the label
that came of it was written, so that a stack that is killed between two parts keeps both or the message.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from local.state.errors import StateNotSaved
from local.state.folder import FORMAT, StateFolder

SAVE_SECONDS = 2.0
# A large state is saved less often: at most this share of the time goes into it.
LARGEST_SHARE = 0.05
OBJECTS = "objects"

# Returns JSON that shares nothing with what the stack goes on to change.
Snapshot = Callable[[], Any]

logger = logging.getLogger(__name__)


class Keeper:
    """Saves parts while the stack runs, whenever they have changed.

    A stack that is killed loses what it made since the last save, which is a few seconds ago; one that is ended loses
    nothing.
    """

    def __init__(self, folder: StateFolder, fixed: Mapping[str, Any], parts: Mapping[str, Snapshot]) -> None:
        """`fixed` is JSON that doesn't change; `parts` are in the order in which they are saved, the objects last."""
        self._folder = folder
        self._fixed = {"format": FORMAT} | dict(fixed)
        self._parts = parts
        self._saved = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._save_regularly, daemon=True)

    def start(self) -> None:
        """Save everything now, and what changes until `stop`."""
        self._save()
        self._thread.start()

    def stop(self) -> None:
        """Save what has changed, for the last time; raise StateNotSaved where that isn't possible."""
        self._stopping.set()
        self._thread.join()
        try:
            self._save()
        except OSError as error:
            raise StateNotSaved(
                f"The last changes can't be saved in {self._folder.path}: {error.strerror}; those before are there."
            ) from error

    def _save_regularly(self) -> None:
        pause = SAVE_SECONDS
        while not self._stopping.wait(pause):
            began = time.monotonic()
            try:
                self._save()
            except Exception:  # a full disk, for example, may have space the next time
                logger.exception("The state can't be saved.")
            pause = max(SAVE_SECONDS, (time.monotonic() - began) / LARGEST_SHARE)

    def _save(self) -> None:
        content = self._fixed | {name: snapshot() for name, snapshot in self._parts.items()}
        if (text := json.dumps(content)) != self._saved:
            self._folder.write(text, {one["content"] for one in content[OBJECTS] if "content" in one})
            self._saved = text
