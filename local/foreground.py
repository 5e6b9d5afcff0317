"""The local stack for a terminal: it runs until Ctrl-C."""

import os
import signal
from contextlib import suppress

from rich.console import Console

from local import sam
from local.launch import starting
from local.stack import Options


def serve(options: Options, console: Console) -> None:
    """Run a stack until Ctrl-C or SIGTERM, and print the variables to export.

    Raises StackNotStarted or StackEnded where its process ends by itself.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sam.address_to_bind(options.container_address)
    with starting(options) as started:
        stack = started.ready()
        for name, value in stack.environment.items():
            console.print(f"export {name}={value}", highlight=False, soft_wrap=True)
        os.environ.update(stack.environment)
        sam.upload_samples()
        if options.container_address:
            path = sam.write_environment(stack, options)
            console.print(f"# sam local invoke --env-vars {path}", highlight=False, soft_wrap=True)
        with suppress(KeyboardInterrupt):
            console.print(f"# Logs: {options.logs}. Stop with Ctrl-C.", highlight=False)
            started.wait()
    console.print("# Stopped.")
