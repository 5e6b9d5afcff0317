"""A process that starts and ends as the local stack's does, and answers nothing."""

import json
import sys

print(json.dumps({"WORKFLOW_BUCKET": "bucket", "WORKFLOW_ROLE_ARN": "role"}), flush=True)  # noqa: T201
sys.stdin.read()
