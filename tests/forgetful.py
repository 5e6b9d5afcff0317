"""A stack's process that can't save its state: `python -m tests.forgetful OPTIONS`."""

import json
import sys

from local.stack import REFUSAL

REASON = "The last changes can't be saved."

if __name__ == "__main__":
    print(json.dumps({}), flush=True)  # noqa: T201
    sys.stdin.buffer.read()
    print(json.dumps({REFUSAL: REASON}), flush=True)  # noqa: T201
    sys.exit(1)
