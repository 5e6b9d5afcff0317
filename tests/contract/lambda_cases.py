"""Handlers by name, for both runtimes: what they return, raise, print and log."""

import logging
import math
import os
from collections import OrderedDict, namedtuple
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any

Colour = Enum("Colour", "RED")
Number = IntEnum("Number", "ONE")
Name = StrEnum("Name", "A")
Point = namedtuple("Point", "x y")


class Refused(Exception):
    def __str__(self) -> str:
        return f"refused\nfor {len(self.args)} reasons"


def text() -> object:
    return {"é": "ü \u2028 \U0001f600", "quote": '"\\/\n\t', "": None}


def numbers() -> object:
    return [1, -0.0, 1e300, 0.1 + 0.2, 10**30, True, math.inf, -math.inf, math.nan]


def decimals() -> object:
    return [Decimal("1.10"), Decimal("-0"), Decimal("1E+3"), Decimal("NaN"), Decimal("Infinity")]


def keys() -> object:
    return {2: 0, 1.5: 0, True: 0, None: 0, b"bytes": 0, "é": 0}


def containers() -> object:
    return OrderedDict(a=(1, [2, {}]), b=Point(1, Point(2, ())), c=[])


def enums() -> object:
    return [Number(1), Name("a")]


def bytes_within() -> object:
    return {"image": b"iVBOR", "text": "ü".encode()}


def bytes_alone() -> object:
    return b"not JSON"


def nothing() -> object:
    return None


def shared() -> object:
    part = {"a": 1}
    return [part, part]


def a_set() -> object:
    return {1}


def an_enum() -> object:
    return Colour(1)


def an_object() -> object:
    return {"a": [object]}


def a_key_that_is_a_tuple() -> object:
    return {(1, 2): 3}


def a_key_that_is_a_decimal() -> object:
    return {Decimal(1): 3}


def binary() -> object:
    return {"image": b"\xff\xd8"}


def a_circle() -> object:
    circle: dict[str, object] = {}
    circle["itself"] = [circle]
    return circle


def raises() -> object:
    raise ValueError("cut short: é")


def raises_without_a_message() -> object:
    raise ValueError


def raises_its_own() -> object:
    raise Refused(1, 2)


def raises_from_another() -> None:
    try:
        raises()
    except ValueError as error:
        raise KeyError("k") from error


def recurses(depth: int = 0) -> object:
    return recurses(depth + 1) if depth < 50 else raises()


def recurses_for_ever() -> object:
    return recurses_for_ever()


def prints() -> None:
    print("é", end="")  # noqa: T201
    print(" and a line")  # noqa: T201


def logs() -> None:
    log = logging.getLogger("cases")
    log.debug("debug")
    log.info("%s of %d", "info", 2)
    log.warning("é\nin two lines", extra={"count": 2, "path": object, "nothing": None})
    log.error({"message": "a dict", "é": [1]})
    log.log(35, "between")
    log.log(99, "beyond")
    log.setLevel(1)
    log.log(5, "low")
    try:
        raises_its_own()
    except Refused:
        log.exception("caught", extra={"errorType": "mine"})


def a_filter() -> None:
    logging.getLogger().handlers[0].addFilter(lambda record: "secret" not in record.getMessage())
    logging.warning("secret")
    logging.warning("public")


def the_context(context: Any) -> object:
    context.log("as it is")
    names = "function_name function_version memory_limit_in_mb log_group_name log_stream_name invoked_function_arn"
    identity = [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]
    left = 0 < context.get_remaining_time_in_millis() <= 20_000
    return [getattr(context, name) for name in names.split()] + [identity, context.client_context, left]


def the_trace() -> object:
    return [os.environ["_X_AMZN_TRACE_ID"].split("-")[0], str(Path.cwd()) == os.environ["LAMBDA_TASK_ROOT"]]


def handler(event: str, context: Any) -> object:
    if event == "handler":
        return [event]
    case = globals()[event]
    return case(context) if event == "the_context" else case()
