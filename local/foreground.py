"""The local stack for a terminal: it runs until Ctrl-C."""

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any, NoReturn

from rich.console import Console

from local import sam
from local.launch import starting
from local.sources import LOOK_SECONDS, Definitions
from local.stack import ROOT, Options
from local.state.folder import ACTIVATE

AS_IT_IS: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}


def serve(options: Options, console: Console) -> None:
    """Run a stack until Ctrl-C or SIGTERM, and print the variables to export.

    Raises StackNotStarted or StackEnded where its process ends by itself.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sam.address_to_bind(options.container_address)
    with starting(options) as started:
        stack = started.ready()
        for name, value in stack.environment.items():
            console.print(f"export {name}={value}", **AS_IT_IS)
        os.environ.update(stack.environment)
        sam.upload_samples()
        if options.container_address:
            path = sam.write_environment(stack, options)
            console.print(f"# sam local invoke --env-vars {path}", **AS_IT_IS)
        if options.state:
            console.print(f"# In another terminal: source {quote(str(Path(options.state, ACTIVATE)))}", **AS_IT_IS)
        with suppress(KeyboardInterrupt):
            console.print(f"# Logs: {options.logs}. Stop with Ctrl-C.", **AS_IT_IS)
            threading.Thread(target=_tell_of_changes, args=(console,), daemon=True).start()
            started.wait()
    console.print("# Stopped.")


def _tell_of_changes(console: Console) -> NoReturn:
    definitions = Definitions(ROOT)
    while True:
        time.sleep(LOOK_SECONDS)
        for name in definitions.changed():
            console.print(f"# {name} has changed: stop and start again to deploy it.", **AS_IT_IS)
