"""Every state machine, as the template deploys it, keeps the rules of the states language; each rule finds a breach."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.states_language import processors
from local.template import StateMachineSpec
from tests.machines import MACHINES
from tests.template.states_language import RULES, choices, fields, maps, paths
from tests.template.states_language.breaches import (
    BATCH,
    BREACHES,
    EXPRESS,
    IMAGE,
    PASS,
    Change,
    big_map,
    choice,
    nested_deep,
    passes,
    retrier,
)
from tests.template.states_language.walk import Rule


def problems(rule: Rule, machine: StateMachineSpec, change: Change = lambda _: None) -> list[str]:
    body = json.loads(machine.definition)
    change(body)
    return list(rule(replace(machine, definition=json.dumps(body))))


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_machine_keeps_every_rule(rule: Rule, machine: StateMachineSpec) -> None:
    assert list(rule(machine)) == []


@pytest.mark.parametrize(("rule", "said", "machine", "change"), BREACHES)
def test_a_rule_finds_a_machine_that_breaks_it(
    rule: Rule, said: str, machine: StateMachineSpec, change: Change
) -> None:
    assert any(said in problem for problem in problems(rule, machine, change))


def test_every_rule_is_shown_to_find_a_breach() -> None:
    assert {rule for rule, *_ in BREACHES} == set(RULES)


@pytest.mark.parametrize(
    "value",
    [
        "$",
        "$$.Execution.Input",
        "$[*].outcome",
        "$.rows[0]['a key']",
        "$.rows[?(@.size > 1)]",
        "States.UUID()",
        "States.Format('it\\'s {} \\{} of {}', $.name, 3)",
        "States.Array('a, (b)', 1.5, true, null, States.JsonToString($.rows[0]))",
        nested_deep(10),
    ],
)
def test_what_the_language_allows_is_found_legal(value: str) -> None:
    assert problems(paths.legal_templates, BATCH, passes(value)) == []


@pytest.mark.parametrize(
    "rule",
    [
        {"Not": {"Variable": "$.a", "IsPresent": True}, "Next": "A"},
        {
            "Or": [{"Variable": "$.a", "NumericLessThan": 1.5}, {"Variable": "$$.a", "BooleanEquals": False}],
            "Next": "A",
        },
        {"Variable": "$['a b'][0]", "StringMatches": "a*", "Comment": "Any.", "Next": "A"},
        {"Variable": "$.a", "TimestampLessThan": "2026-01-31T23:59:59.5Z", "Next": "A"},
    ],
)
def test_choice_rules_of_the_language_are_found_legal(rule: dict[str, Any]) -> None:
    assert problems(choices.legal_choices, BATCH, choice(**rule)) == []


def test_the_boundaries_of_numbers_are_legal() -> None:
    change = retrier(IntervalSeconds=1, MaxAttempts=0, BackoffRate=1, MaxDelaySeconds=2)
    assert problems(fields.numbers_in_range, IMAGE, change) == []
    assert problems(fields.shorter_periods_are_shorter, IMAGE, change) == []
    assert problems(fields.numbers_in_range, IMAGE, retrier(MaxDelaySeconds=31_622_399)) == []
    assert problems(fields.numbers_in_range, BATCH, big_map(ToleratedFailurePercentage=100)) == []
    assert problems(maps.express_runs_no_jobs, EXPRESS, lambda body: body.update(TimeoutSeconds=300)) == []


def test_processors_are_found_at_any_depth() -> None:
    branches = [{"StartAt": "A", "States": {"A": PASS}}, {"StartAt": "B", "States": {"B": PASS}}]
    machine = {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}}
    found = ["", "/States/Both/Branches/0", "/States/Both/Branches/1"]
    assert [processor.where for processor in processors(machine)] == found
