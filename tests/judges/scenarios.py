"""Read scenarios.json: what is sent into a state machine, what its tasks answer in turn, and what must come of it.

`"@name"` is one of the file's values, `"$error"` the one of `each` that a case is for, `{"$text": value}` a value as
JSON text. A task's answer is `return` or `throw` (with a `cause`), `times` over, for calls whose parameters hold
`given`; `times` "all" is until the state's retries are used up. `calls` has each run of calls of one task, with the sum
of their numbers. `left out` says by interpreter why it can't play a scenario.

`python -m tests.judges.scenarios FILE` writes the machines and the cases for an interpreter that isn't Python.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.states_language import processors
from tests.machines import MACHINES

FILE = Path(__file__).with_name("scenarios.json")
DEFAULT_ATTEMPTS = 3


@dataclass(frozen=True)
class Case:
    """One execution: `end` has its output, or its error and cause; what `end` doesn't have isn't compared.

    `left_out` says by interpreter why the case can't be played there.
    """

    name: str
    machine: str
    input: Any
    tasks: Mapping[str, list[dict[str, Any]]]
    calls: list[list[Any]]
    sent: Mapping[str, Mapping[str, Any]]
    end: Mapping[str, Any]
    objects: Mapping[str, str]
    left_out: Mapping[str, str]


@cache
def definitions() -> dict[str, Any]:
    """Return each machine by its name, and the children of a Distributed Map as a machine of their own."""
    found = {}
    for machine in MACHINES:
        found[machine.name] = body = json.loads(machine.definition)
        for processor in processors(body):
            if processor.body.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
                found[f"{machine.name}/children"] = {key: processor.body[key] for key in ("StartAt", "States")}
    return found


def cases() -> list[Case]:
    """Return a case for each scenario, machine and error."""
    written = json.loads(FILE.read_text())
    values = written["values"]
    return [
        _case(scenario, machine, error, values)
        for scenario in written["scenarios"]
        for machine in scenario["machines"]
        for error in _flat(_filled(scenario.get("each", [""]), values, ""))
    ]


def attempts(machine: str, state: str, error: str) -> int:
    """Return how often a task that keeps failing by an error is called: once, and once for each retry."""
    for processor in processors(definitions()[machine]):
        for retrier in processor.states.get(state, {}).get("Retry", []):
            wildcard = "States.TaskFailed" if error != "States.Timeout" else ""
            if {error, wildcard, "States.ALL"} & set(retrier["ErrorEquals"]):
                return 1 + int(retrier.get("MaxAttempts", DEFAULT_ATTEMPTS))
    return 1


def _case(scenario: Mapping[str, Any], machine: str, error: str, values: Mapping[str, Any]) -> Case:
    filled = _filled(scenario, values, error)

    def times(state: str, count: int | str) -> int:
        return attempts(machine, state, error) if count == "all" else int(count)

    return Case(
        name=", ".join(part for part in (scenario["name"], machine, error) if part),
        machine=machine,
        input=filled["input"],
        tasks={
            state: [answer for answer in answers for _ in range(times(state, answer.get("times", 1)))]
            for state, answers in filled["tasks"].items()
        },
        calls=[[state, sum(times(state, count) for count in counts)] for state, *counts in filled["calls"]],
        sent=filled.get("sent", {}),
        end={key: filled[key] for key in ("output", "error", "cause") if key in filled},
        objects=scenario.get("objects", {}),
        left_out=scenario.get("left out", {}),
    )


def _filled(node: Any, values: Mapping[str, Any], error: str) -> Any:
    if isinstance(node, list):
        return [_filled(item, values, error) for item in node]
    if isinstance(node, dict):
        if node.keys() == {"$text"}:
            return json.dumps(_filled(node["$text"], values, error))
        return {key: _filled(value, values, error) for key, value in node.items()}
    if node == "$error":
        return error
    return _filled(values[node[1:]], values, error) if isinstance(node, str) and node.startswith("@") else node


def _flat(errors: list[Any]) -> Iterator[str]:
    for one in errors:
        if isinstance(one, list):
            yield from one
        else:
            yield one


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(
        json.dumps({"machines": definitions(), "cases": [asdict(case) for case in cases()]}, indent=1)
    )
