"""The log of a function, as its settings for logs want it: text or JSON, from a level on.

The lines are described at https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any

from local.lambda_runtime.encoding import encode

TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"
TEXT_LINE = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
# What the standard library gives every record; all else is a caller's own, and is written.
STANDARD_FIELDS = vars(logging.makeLogRecord({})).keys() - {"taskName"} | {"aws_request_id"}


class RequestId(logging.Filter):
    """Gives each record the id of the request at work, which is `current`."""

    current = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.aws_request_id = self.current
        return True


class LogHandler(logging.Handler):
    """Writes to standard output, which is the function's log, whatever a function has put in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, which ends its line itself."""
        sys.stdout.write(self.format(record))


class JsonFormatter(logging.Formatter):
    """Makes one line of JSON of each record; a value that JSON doesn't know is written as text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without the fields that have no value."""
        kind, error, trace = record.exc_info or (None, None, None)
        fields = {
            "timestamp": self.formatTime(record, TIMESTAMP),
            "level": logging.getLevelName(min(max(record.levelno, logging.NOTSET), logging.CRITICAL) // 10 * 10),
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if kind else None,
            "errorType": kind.__name__ if kind else None,
            "errorMessage": str(error) if kind else None,
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if kind else None,
        }
        own = {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS | fields.keys()}
        line = {name: value for name, value in (fields | own).items() if value is not None}
        return json.dumps(line, ensure_ascii=False, default=str) + "\n"


def set_up() -> RequestId:
    """Send the records of all loggers to the function's log; return what tells them the request's id."""
    logging.Formatter.converter = time.gmtime
    handler, request_id = LogHandler(), RequestId()
    handler.setFormatter(JsonFormatter() if _json() else logging.Formatter(TEXT_LINE, TIMESTAMP.removesuffix("Z")))
    handler.addFilter(request_id)
    root = logging.getLogger()
    root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = "DEBUG" if level == "TRACE" else level
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)
    return request_id


def log_error(described: Mapping[str, Any]) -> None:
    """Write what `errors.described` says of an error."""
    if _json():
        line = encode({"timestamp": time.strftime(TIMESTAMP, time.gmtime()), "level": "ERROR", **described})
    else:
        message = f": {described['errorMessage']}" if described["errorMessage"] else ""
        lines = [f"[ERROR] {described['errorType']}{message}", "Traceback (most recent call last):"]
        lines += [_indented(text) for frame in described["stackTrace"] for text in frame.splitlines()]
        # A line feed would begin another event of the log.
        line = "\r".join(lines)
    sys.stdout.write(line + "\n")


def _indented(line: str) -> str:
    """Return a line with spaces at its beginning that CloudWatch doesn't strip."""
    text = line.lstrip(" ")
    return "\u00a0" * (len(line) - len(text)) + text


def _json() -> bool:
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
