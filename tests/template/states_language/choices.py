"""Rules over the rules of Choice states."""

import json
import re
from collections.abc import Iterator
from datetime import datetime

from local.template import StateMachineSpec
from tests.template.states_language.intrinsics import is_reference
from tests.template.states_language.walk import Fields, Rule, states

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
KINDS: dict[str, tuple[type, ...]] = {"String": (str,), "Numeric": (int, float), "Timestamp": (str,)}
COMPARISONS: dict[str, tuple[type, ...]] = {
    f"{kind}{comparison}": types
    for kind, types in KINDS.items()
    for comparison in ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
} | {"BooleanEquals": (bool,)}
TESTS = COMPARISONS | {f"{name}Path": (str,) for name in COMPARISONS} | {"StringMatches": (str,)}
TESTS |= {f"Is{kind}": (bool,) for kind in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")}


def legal_choices(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Choice State: a rule has And, Or, Not or one comparison; Next is on the outermost alone."""
    for where, state in states(json.loads(machine.definition)):
        for number, rule in enumerate(state.get("Choices", [])):
            place = f"{where}/Choices/{number}"
            if "Next" not in rule:
                yield f"{place} has no Next"
            yield from _rule({name: value for name, value in rule.items() if name != "Next"}, place)


def _rule(rule: Fields, where: str) -> Iterator[str]:
    fields = rule.keys() - {"Comment", "Assign"}
    if len(fields) == 1 and fields <= {"And", "Or", "Not"}:
        (name,) = fields
        nested = [rule[name]] if name == "Not" else rule[name]
        if not nested:
            yield f"{where} has nothing in {name}"
        for number, one in enumerate(nested):
            yield from _rule(one, f"{where}/{name}/{number}")
        return
    tests = fields - {"Variable"}
    if len(tests) != 1 or not tests <= TESTS.keys() or "Variable" not in rule:
        yield f"{where} must have a Variable and one comparison, not {sorted(fields)}"
        return
    if not is_reference(rule["Variable"]):
        yield f"{where} has the Variable {rule['Variable']}, which is no reference path"
    (test,) = tests
    if not _is_comparable(test, rule[test]):
        yield f"{where} compares by {test} with {rule[test]!r}"


def _is_comparable(test: str, value: object) -> bool:
    if test.endswith("Path"):
        return is_reference(value)
    if test.startswith("Timestamp"):
        return isinstance(value, str) and _is_date(value)
    # A bool is an int in Python, but no number in JSON.
    return isinstance(value, TESTS[test]) and (bool in TESTS[test] or not isinstance(value, bool))


def _is_date(value: str) -> bool:
    if not DATE.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


RULES: list[Rule] = [legal_choices]
