"""The local stack for a terminal: it runs until Ctrl-C."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import NoReturn

from rich.console import Console

from local import sam
from local.guidance import say
from local.launch import starting
from local.sources import LOOK_SECONDS, Definitions
from local.stack import ROOT, Options
from local.state.folder import ACTIVATE, STATE_FILE


def serve(options: Options, console: Console) -> None:
    """Run a stack until Ctrl-C or SIGTERM, and print the variables to export.

    Raises StackNotStarted or StackEnded where its process ends by itself.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sam.address_to_bind(options.container_address)
    new = bool(options.state) and not Path(options.state, STATE_FILE).exists()
    with starting(options) as started:
        stack = started.ready()
        if new:
            say(console, f"# {options.state} is a new state, and begins with nothing.")
        for name, value in stack.environment.items():
            say(console, f"export {name}={value}")
        os.environ.update(stack.environment)
        sam.upload_samples()
        if options.container_address:
            path = sam.write_environment(stack, options)
            say(console, f"# sam local invoke --env-vars {path}")
        if options.state:
            say(console, f"# In another terminal: source {quote(str(Path(options.state, ACTIVATE)))}")
        with suppress(KeyboardInterrupt):
            say(console, f"# Logs: {options.logs}. Stop with Ctrl-C.")
            threading.Thread(target=_tell_of_changes, args=(console,), daemon=True).start()
            started.wait()
    console.print("# Stopped.")


def _tell_of_changes(console: Console) -> NoReturn:
    definitions = Definitions(ROOT)
    while True:
        time.sleep(LOOK_SECONDS)
        for name in definitions.changed():
            say(console, f"# {name} has changed: stop and start again to deploy it.")
