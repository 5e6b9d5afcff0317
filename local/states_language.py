"""The structure of definitions in the Amazon States Language, and what AWS refuses in it.

Rules: https://states-language.net/spec.html. Codes:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_NAME = 80
# A path that can name only one node; with two dollars it starts at the context object.
REFERENCE_PATH = re.compile(r"\$\$?(\.[\w-]+|\['[^']+'\]|\[\d+\])*")


@dataclass(frozen=True)
class Processor:
    """States with a StartAt of their own: the machine, the item processor of a Map, or a branch of a Parallel.

    `where` is the place in the definition as a JSON pointer, empty for the machine itself.
    """

    where: str
    body: Mapping[str, Any]

    @property
    def states(self) -> Mapping[str, Mapping[str, Any]]:
        """The states by name, without those of processors inside."""
        states: Mapping[str, Mapping[str, Any]] = self.body.get("States", {})
        return states


@dataclass(frozen=True)
class Problem:
    """Something that AWS refuses: its code, its message, and where it is in the definition."""

    code: str
    message: str
    where: str

    def __str__(self) -> str:
        """Return the problem as AWS writes it."""
        return f"{self.code}: {self.message} at {self.where}"


def processors(body: Mapping[str, Any], where: str = "") -> Iterator[Processor]:
    """Yield a machine's processors, itself first, then those inside it at any depth."""
    processor = Processor(where, body)
    yield processor
    for name, state in processor.states.items():
        place = f"{where}/States/{name}"
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield from processors(state[field], f"{place}/{field}")
        for number, branch in enumerate(state.get("Branches", [])):
            yield from processors(branch, f"{place}/Branches/{number}")


def targets(state: Mapping[str, Any]) -> set[str]:
    """Return the names of the states that may follow a state."""
    rules = [state, *state.get("Choices", []), *state.get("Catch", [])]
    named = {rule["Next"] for rule in rules if "Next" in rule}
    return named | {state["Default"]} if "Default" in state else named


def reached(processor: Processor, start: str) -> set[str]:
    """Return the names of the states that can be entered once `start` is, itself among them."""
    found, left = set(), [start]
    while left:
        name = left.pop()
        if name in processor.states and name not in found:
            found.add(name)
            left += targets(processor.states[name])
    return found


def ends(state: Mapping[str, Any]) -> bool:
    """Whether its processor ends after a state."""
    return state.get("End") is True or state.get("Type") in {"Succeed", "Fail"}


def problems(machine: Mapping[str, Any]) -> list[Problem]:
    """Return what AWS refuses in a machine's structure; empty where nothing is wrong."""
    found: list[Problem] = []
    names: set[str] = set()
    for processor in processors(machine):
        found += _broken_transitions(processor)
        for name in processor.states:
            where = f"{processor.where}/States/{name}"
            if name in names:
                found.append(Problem("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", where))
            if not 0 < len(name) <= LONGEST_NAME:
                found.append(Problem("INVALID_STATE_NAME", f"A name has 1 to {LONGEST_NAME} characters", where))
            names.add(name)
    return found


def _broken_transitions(processor: Processor) -> Iterator[Problem]:
    start = processor.body.get("StartAt", "")
    if start not in processor.states:
        yield Problem("MISSING_TRANSITION_TARGET", f"Missing 'StartAt' target: {start}", f"{processor.where}/StartAt")
    within = reached(processor, start)
    for name, state in processor.states.items():
        where = f"{processor.where}/States/{name}"
        for target in sorted(targets(state) - set(processor.states)):
            yield Problem("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", where)
        if name not in within:
            yield Problem("MISSING_TRANSITION_TARGET", f'State "{name}" is not reachable.', where)
    if not any(map(ends, processor.states.values())):
        yield Problem("MISSING_END_STATE", "No state ends the workflow", f"{processor.where}/States")
