import json
from dataclasses import replace

import pytest

from contracts.outcomes import Outcome
from inference.failures import LONGEST_MESSAGE, ExecutionsFailed, failures_of, message_of, require_success
from tests.unit.samples import execution

GONE = json.dumps(
    {"errorMessage": "Endpoint e\n not found.", "errorType": "EndpointNotFound", "stackTrace": ["a", "b"]}
)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (GONE, "Endpoint e not found."),
        ("On purpose.", "On purpose."),
        ('{"no": "message"}', '{"no": "message"}'),
        ("[1]", "[1]"),
        (None, ""),
        ("x" * 1000, "x" * LONGEST_MESSAGE + "…"),
    ],
)
def test_a_cause_is_a_message_of_one_line_without_a_stack_trace(cause: str | None, message: str) -> None:
    assert message_of(cause) == message


def test_failures_are_counted_by_error_the_most_frequent_first() -> None:
    failed = replace(execution(1), outcome=Outcome.FAILED, error="ModelFailed", cause="Out of memory.")
    gone = replace(failed, error="EndpointNotFound", cause=GONE)
    found = failures_of([failed, gone, execution(2), replace(gone, cause="another")])
    assert [str(one) for one in found] == [
        "2 EndpointNotFound (Endpoint e not found.)",
        "1 ModelFailed (Out of memory.)",
    ]


def test_a_failed_execution_is_an_error_that_says_why_and_what_to_do() -> None:
    require_success([execution(1)])
    failed = replace(execution(2), outcome=Outcome.FAILED, error="EndpointNotFound", cause=GONE)
    with pytest.raises(ExecutionsFailed, match=r"1 of 2 .*: 1 EndpointNotFound \(Endpoint e not found.\).*--resume"):
        require_success([execution(1), failed])
