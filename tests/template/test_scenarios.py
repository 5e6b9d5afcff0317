"""Every scenario of the state machines, played by moto as the local stack patches it.

`make judges` plays the same ones by a second interpreter.
"""

import ast
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.states_language import processors
from tests.conftest import ROOT
from tests.judges.in_moto import Played, moto_patched, play
from tests.judges.scenarios import Case, attempts, cases, definitions

CASES = cases()
IN_MOTO = [case for case in CASES if "moto" not in case.left_out]


@pytest.fixture(scope="module", autouse=True)
def patched() -> Iterator[None]:
    with moto_patched():
        yield


@pytest.fixture(scope="module")
def played() -> Callable[[Case], Played]:
    """Play a case, once."""
    ends: dict[str, Played] = {}

    def end(case: Case) -> Played:
        if case.name not in ends:
            ends[case.name] = play(case)
        return ends[case.name]

    return end


@pytest.mark.parametrize("case", IN_MOTO, ids=lambda case: case.name)
def test_a_scenario_ends_as_expected(case: Case, played: Callable[[Case], Played]) -> None:
    end = played(case)
    assert end.calls == case.calls
    assert shown(case, end) == case.end
    for name, parameters in case.sent.items():
        assert {key: end.sent[name][key] for key in parameters} == parameters


def test_every_state_is_entered(played: Callable[[Case], Played]) -> None:
    for name, body in definitions().items():
        own = {state for processor in processors(body) for state in processor.states}
        cases = [case for case in IN_MOTO if case.machine in {name, f"{name}/children"}]
        assert own == set().union(*(played(case).entered for case in cases))


def shown(case: Case, played: Played) -> dict[str, Any]:
    """Return of an end what the case expects something of, its cause read as JSON where that is not a text."""
    found = {key: played.end.get(key) for key in case.end}
    if not isinstance(case.end.get("cause", ""), str):
        found["cause"] = json.loads(found["cause"] or "null")
    return found


def thrown(case: Case, state: str) -> list[str]:
    return [answer["throw"] for answer in case.tasks.get(state, []) if "throw" in answer]


@pytest.mark.parametrize("machine", definitions())
def test_every_retry_is_seen_to_help_and_to_be_used_up_and_every_catch_to_catch(machine: str) -> None:
    own = [case for case in CASES if case.machine.removesuffix("/children") == machine.removesuffix("/children")]
    for processor in processors(definitions()[machine]):
        for name, state in processor.states.items():
            counts = [(error, thrown(case, name).count(error)) for case in own for error in set(thrown(case, name))]
            for error in errors_of(state, "Retry"):
                most = attempts(machine, name, error)
                seen = {count for one, count in counts if error in {one, "States.TaskFailed"}}
                assert most in seen, f"{error} of {name} is never retried until it is given up"
                assert seen - {most}, f"{error} of {name} is never retried with success"
            for error in errors_of(state, "Catch"):
                assert any(error in {one, "States.ALL"} for one, _ in counts), f"{error} of {name} is never caught"


def errors_of(state: Any, field: str) -> set[str]:
    return {error for rule in state.get(field, []) for error in rule["ErrorEquals"]}


def test_every_error_class_of_the_functions_is_thrown() -> None:
    trees = [ast.parse(path.read_text()) for path in (ROOT / "functions").glob("*/app.py")]
    classes = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    errors = {
        one.name for one in classes if any(isinstance(base, ast.Name) and base.id == "Exception" for base in one.bases)
    }
    known = {error for case in CASES for state in case.tasks for error in thrown(case, state)}
    assert errors
    assert errors <= known
