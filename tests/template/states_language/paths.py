"""Rules over paths and payload templates."""

import json
import re
from collections.abc import Iterator
from typing import Any

from local.template import StateMachineSpec
from tests.template.states_language.fields import BY_PATH_TOO, CAUSES
from tests.template.states_language.intrinsics import NotLegal, check, is_path, is_reference
from tests.template.states_language.walk import Rule, inner, states

TEMPLATES = {"Parameters", "ResultSelector", "ItemSelector", "BatchInput", "Credentials"}
# Fields whose value may select many nodes, and those that name one.
PATHS = {"InputPath", "OutputPath"}
REFERENCES = {f"{name}Path" for name in BY_PATH_TOO - CAUSES} | {
    "ItemsPath",
    "ResultPath",
    "SecondsPath",
    "TimestampPath",
}
# The functions that ErrorPath and CausePath may call: state-fail.html.
TEXTS = {"Format", "JsonToString", "ArrayGetItem", "Base64Encode", "Base64Decode", "Hash", "UUID"}
LOOKS_DYNAMIC = re.compile(r"\$(\.|\$|$)|States\.\w+\(")


def legal_paths(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Paths and Reference Paths: which fields take which; a result goes to one node of the state's own input."""
    for where, state in states(json.loads(machine.definition)):
        for fields in (state, *(fields for _, fields in inner(state))):
            for name in fields.keys() & (PATHS | REFERENCES):
                if (path := fields[name]) is None and name in PATHS | {"ResultPath"}:
                    continue
                legal = is_reference(path) if name in REFERENCES else is_path(path)
                if not legal or (name == "ResultPath" and path.startswith("$$")):
                    yield f"{where} has {name} {path}, which is no path that it takes"


def legal_templates(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Payload Template: keys that end in .$ have a path or a call, others neither, and no key comes twice."""
    for where, state in states(json.loads(machine.definition)):
        for name, fields in [("", state), *inner(state)]:
            for field in fields.keys() & TEMPLATES:
                yield from (f"{where}/{name} {field}: {problem}" for problem in _template(fields[field]))


def legal_causes(machine: StateMachineSpec) -> Iterator[str]:
    """state-fail.html: ErrorPath and CausePath are a reference path, or a call of a function that returns text."""
    for where, state in states(json.loads(machine.definition)):
        for name in {f"{cause}Path" for cause in CAUSES} & state.keys():
            value = state[name]
            function = value.partition("(")[0].removeprefix("States.")
            try:
                if value.startswith("$") and not is_reference(value):
                    yield f"{where} has {name} {value}, which is no reference path"
                elif not value.startswith("$") and function not in TEXTS:
                    yield f"{where} has {name} {value}, which returns no text"
                check(value)
            except NotLegal as error:
                yield f"{where} has {name} {value}: {error}"


def _template(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _template(item)
    if not isinstance(node, dict):
        return
    names = [name.removesuffix(".$") for name in node]
    if len(set(names)) < len(names):
        yield f"a key comes twice in {sorted(node)}"
    for name, value in node.items():
        if name.endswith(".$"):
            try:
                check(value)
            except NotLegal as error:
                yield f"{name} has {value!r}: {error}"
        elif isinstance(value, str) and LOOKS_DYNAMIC.match(value):
            yield f"{name} looks like {value}, but ends without .$"
        else:
            yield from _template(value)


RULES: list[Rule] = [legal_paths, legal_templates, legal_causes]
