"""Rules over Retry and Catch: which errors there are, and where States.ALL may be named."""

import json
from collections.abc import Iterator
from itertools import combinations

from local.template import StateMachineSpec
from tests.template.states_language.walk import Rule, states

RESERVED = {
    f"States.{name}"
    for name in (
        "ALL",
        "BranchFailed",
        "DataLimitExceeded",
        "ExceedToleratedFailureThreshold",
        "HeartbeatTimeout",
        "Http.Socket",
        "IntrinsicFailure",
        "ItemReaderFailed",
        "NoChoiceMatched",
        "ParameterPathFailure",
        "Permissions",
        "QueryEvaluationError",
        "ResultPathMatchFailure",
        "ResultWriterFailed",
        "Runtime",
        "TaskFailed",
        "Timeout",
    )
}
# An execution that has one of these can't go on, whatever is retried.
FATAL = {"States.DataLimitExceeded", "States.Runtime"}


def errors_are_known(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Errors; concepts-error-handling.html: ErrorEquals names errors, each once; States. begins reserved ones."""
    for where, state in states(json.loads(machine.definition)):
        for field in ("Retry", "Catch"):
            named = [rule.get("ErrorEquals") or [""] for rule in state.get(field, [])]
            for errors in named:
                for error in errors:
                    if not error or (error.startswith("States.") and error not in RESERVED):
                        yield f"{where}/{field} names {error!r}, which is no error"
            if any(set(one) & set(other) for one, other in combinations(named, 2)):
                yield f"{where}/{field} names an error twice, of which only the first counts"


def all_alone_and_last(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Errors: States.ALL is alone in its ErrorEquals, in the last retrier or catcher."""
    for where, state in states(json.loads(machine.definition)):
        for field in ("Retry", "Catch"):
            rules = state.get(field, [])
            for number, rule in enumerate(rules, 1):
                if "States.ALL" in rule.get("ErrorEquals", []) and (rule["ErrorEquals"], number) != (
                    ["States.ALL"],
                    len(rules),
                ):
                    yield f"{where}/{field} has States.ALL beside or before others"


def fatal_errors_are_not_retried(machine: StateMachineSpec) -> Iterator[str]:
    """concepts-error-handling.html: a retry brings nothing after States.Runtime or States.DataLimitExceeded."""
    for where, state in states(json.loads(machine.definition)):
        for rule in state.get("Retry", []):
            if found := FATAL & set(rule.get("ErrorEquals", [])):
                yield f"{where} retries {sorted(found)}"


RULES: list[Rule] = [errors_are_known, all_alone_and_last, fatal_errors_are_not_retried]
