"""For each rule of the states language, the least changes to a real state machine that break it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from local.template import StateMachineSpec
from tests.machines import MACHINES
from tests.template.states_language import choices, errors, fields, maps, paths
from tests.template.states_language.walk import Rule, states

Body = dict[str, Any]
Change = Callable[[Body], object]


def has_map(machine: StateMachineSpec) -> bool:
    return any(state["Type"] == "Map" for _, state in states(json.loads(machine.definition)))


BATCH = next(filter(has_map, MACHINES))
EXPRESS = next(machine for machine in MACHINES if machine.type == "EXPRESS")
IMAGE = next(machine for machine in MACHINES if machine.type == "STANDARD" and not has_map(machine))


def state(body: Body, kind: str, field: str = "Type") -> Any:
    """Return the first state of a type that has a field."""
    return next(one for _, one in states(body) if one["Type"] == kind and field in one)


def distributed(body: Body) -> Any:
    return state(body, "Map", "ItemReader")


def inline(body: Body) -> Any:
    return next(one for _, one in states(body) if one["Type"] == "Map" and "ItemReader" not in one)


def last(body: Body) -> Any:
    return next(one for one in reversed(list(body["States"].values())) if one.get("End"))


def task(**changed: Any) -> Change:
    return lambda body: state(body, "Task").update(changed)


def big_map(**changed: Any) -> Change:
    return lambda body: distributed(body).update(changed)


def retrier(**changed: Any) -> Change:
    return lambda body: state(body, "Task", "Retry")["Retry"][0].update(changed)


def catcher(**changed: Any) -> Change:
    return lambda body: state(body, "Task", "Catch")["Catch"][0].update(changed)


def choice(**changed: Any) -> Change:
    return lambda body: state(body, "Choice").update(Choices=[changed])


def fails(**changed: Any) -> Change:
    def change(body: Body) -> None:
        fail = state(body, "Fail")
        fail.clear()
        fail.update(Type="Fail", **changed)

    return change


def passes(value: Any) -> Change:
    return lambda body: state(body, "Pass", "Parameters").update(Parameters={"key.$": value})


def within(field: str, *inside: str, **changed: Any) -> Change:
    def change(body: Body) -> None:
        found = distributed(body)[field]
        for name in inside:
            found = found[name]
        found.update(changed)

    return change


def nested_deep(calls: int) -> str:
    return "States.JsonToString(" * calls + "$" + ")" * calls


PASS = {"Type": "Pass", "End": True}
NESTED = {"Variable": "$", "IsNull": True, "Next": "A"}
# A rule, what it says, a machine, and the least change that breaks the rule there.
BREACHES: list[tuple[Rule, str, StateMachineSpec, Change]] = [
    (
        fields.structure,
        "DUPLICATE_STATE_NAME",
        BATCH,
        lambda body: distributed(body)["ItemProcessor"]["States"].update({body["StartAt"]: PASS}),
    ),
    (fields.structure, "INVALID_STATE_NAME", IMAGE, lambda body: body["States"].update({"n" * 81: PASS})),
    (fields.structure, "is not reachable", IMAGE, lambda body: body["States"].update(Island=PASS)),
    (fields.structure, "Missing 'Next' target", IMAGE, lambda body: state(body, "Task", "Next").update(Next="Nowhere")),
    (fields.structure, "Missing 'Next' target", IMAGE, catcher(Next="Nowhere")),
    (fields.structure, "Missing 'Next' target", BATCH, lambda body: state(body, "Choice").update(Default="Nowhere")),
    # A transition can't leave its own processor.
    (fields.structure, "Missing 'Next' target", BATCH, lambda body: inline(body).update(Next=body["StartAt"])),
    (fields.structure, "Missing 'StartAt' target", IMAGE, lambda body: body.pop("StartAt")),
    (
        fields.every_state_can_end,
        "never ends",
        IMAGE,
        lambda body: body["States"].update(Loop={"Type": "Pass", "Next": "Loop"}),
    ),
    (fields.next_or_end, "one of Next and End", IMAGE, lambda body: last(body).pop("End")),
    (fields.next_or_end, "one of Next and End", IMAGE, lambda body: last(body).update(Next=body["StartAt"])),
    (fields.next_or_end, "other than true", IMAGE, lambda body: last(body).update(End=False)),
    (fields.legal_fields, "unknown type", IMAGE, task(Type="Lambda")),
    (fields.legal_fields, "can't have", IMAGE, task(MaxConcurrency=1)),
    (fields.legal_fields, "can't have", BATCH, lambda body: state(body, "Choice").update(End=True)),
    (fields.legal_fields, "can't have", BATCH, lambda body: state(body, "Fail").update(End=True)),
    (fields.legal_fields, "can't have", BATCH, lambda body: state(body, "Fail").update(InputPath="$")),
    (fields.legal_fields, "without Resource", IMAGE, lambda body: state(body, "Task").pop("Resource")),
    (fields.legal_fields, "without Choices", BATCH, lambda body: state(body, "Choice").update(Choices=[])),
    (fields.legal_fields, "one of", IMAGE, lambda body: body["States"].update(Wait={"Type": "Wait", "End": True})),
    (fields.legal_inner_fields, "can't have", IMAGE, retrier(Attempts=1)),
    (fields.legal_inner_fields, "can't have", IMAGE, catcher(OutputPath="$")),
    (fields.legal_inner_fields, "can't have", BATCH, within("ItemReader", Bucket="bucket")),
    (fields.legal_inner_fields, "InputType", BATCH, within("ItemReader", "ReaderConfig", InputType="XML")),
    (fields.legal_inner_fields, "JitterStrategy", IMAGE, retrier(JitterStrategy="HALF")),
    (fields.legal_inner_fields, "Mode", BATCH, within("ItemProcessor", "ProcessorConfig", Mode="REMOTE")),
    (fields.a_field_or_its_path, "both", IMAGE, task(TimeoutSeconds=1, TimeoutSecondsPath="$.seconds")),
    (fields.a_field_or_its_path, "both", BATCH, big_map(MaxConcurrency=1, MaxConcurrencyPath="$.most")),
    (fields.a_field_or_its_path, "both", BATCH, fails(Error="Error", ErrorPath="$.error")),
    (
        fields.a_field_or_its_path,
        "both",
        BATCH,
        big_map(ItemBatcher={"MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.size"}),
    ),
    (fields.numbers_in_range, "TimeoutSeconds 0", IMAGE, task(TimeoutSeconds=0)),
    (fields.numbers_in_range, "TimeoutSeconds '5'", IMAGE, task(TimeoutSeconds="5")),
    (fields.numbers_in_range, "TimeoutSeconds True", IMAGE, task(TimeoutSeconds=True)),
    (fields.numbers_in_range, "TimeoutSeconds 0", IMAGE, lambda body: body.update(TimeoutSeconds=0)),
    (fields.shorter_periods_are_shorter, "not below", IMAGE, task(TimeoutSeconds=5, HeartbeatSeconds=5)),
    (fields.numbers_in_range, "IntervalSeconds 0", IMAGE, retrier(IntervalSeconds=0)),
    (fields.numbers_in_range, "IntervalSeconds 1.5", IMAGE, retrier(IntervalSeconds=1.5)),
    (fields.numbers_in_range, "MaxAttempts -1", IMAGE, retrier(MaxAttempts=-1)),
    (fields.numbers_in_range, "BackoffRate 0.9", IMAGE, retrier(BackoffRate=0.9)),
    (fields.shorter_periods_are_shorter, "not above", IMAGE, retrier(IntervalSeconds=5, MaxDelaySeconds=5)),
    (fields.numbers_in_range, "MaxDelaySeconds 31622400", IMAGE, retrier(MaxDelaySeconds=31_622_400)),
    (fields.numbers_in_range, "Percentage 101", BATCH, big_map(ToleratedFailurePercentage=101)),
    (fields.numbers_in_range, "MaxConcurrency -1", BATCH, big_map(MaxConcurrency=-1)),
    (fields.numbers_in_range, "MaxItemsPerBatch 0", BATCH, within("ItemBatcher", MaxItemsPerBatch=0)),
    (errors.errors_are_known, "States.Unknown", IMAGE, retrier(ErrorEquals=["States.Unknown"])),
    (errors.errors_are_known, "no error", IMAGE, catcher(ErrorEquals=[])),
    (
        errors.errors_are_known,
        "twice",
        IMAGE,
        lambda body: (retry := state(body, "Task", "Retry")["Retry"]).append(retry[0]),
    ),
    (errors.all_alone_and_last, "States.ALL", IMAGE, catcher(ErrorEquals=["Error", "States.ALL"])),
    (
        errors.all_alone_and_last,
        "States.ALL",
        IMAGE,
        lambda body: state(body, "Task", "Retry")["Retry"].insert(0, {"ErrorEquals": ["States.ALL"]}),
    ),
    (errors.fatal_errors_are_not_retried, "States.Runtime", IMAGE, retrier(ErrorEquals=["States.Runtime"])),
    (
        errors.fatal_errors_are_not_retried,
        "States.DataLimitExceeded",
        IMAGE,
        retrier(ErrorEquals=["States.DataLimitExceeded"]),
    ),
    *(
        (maps.distributed_fields, "only a Distributed Map", BATCH, change)
        for change in (
            lambda body: inline(body).update(ItemReader={}),
            lambda body: inline(body).update(ItemBatcher={}),
            lambda body: inline(body).update(ResultWriter={}),
            lambda body: inline(body).update(ToleratedFailureCount=1),
            lambda body: inline(body).update(Label="Label"),
            lambda body: inline(body)["ItemProcessor"]["ProcessorConfig"].update(ExecutionType="EXPRESS"),
        )
    ),
    (
        maps.distributed_fields,
        "ExecutionType of its children",
        BATCH,
        lambda body: distributed(body)["ItemProcessor"]["ProcessorConfig"].pop("ExecutionType"),
    ),
    (maps.readers_and_batches, "must bound a batch", BATCH, big_map(ItemBatcher={"BatchInput": {}})),
    (
        maps.readers_and_batches,
        "must have Resource",
        BATCH,
        lambda body: distributed(body)["ItemReader"].pop("Parameters"),
    ),
    (maps.legal_labels, "no legal Label", BATCH, big_map(Label="n" * 41)),
    (maps.legal_labels, "no legal Label", BATCH, big_map(Label="a label")),
    (
        maps.legal_labels,
        "appears twice",
        BATCH,
        lambda body: body["States"].update(
            One={**distributed(body), "Label": "Label"}, Two={**distributed(body), "Label": "Label"}
        ),
    ),
    (maps.express_runs_no_jobs, "waits by .sync", BATCH, task(Resource="arn:aws:states:::batch:submitJob.sync")),
    (
        maps.express_runs_no_jobs,
        "waits by .waitForTaskToken",
        EXPRESS,
        task(Resource="arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
    ),
    (maps.express_runs_no_jobs, "above the 300", EXPRESS, lambda body: body.update(TimeoutSeconds=301)),
    (maps.express_runs_no_jobs, "Distributed Map", replace(BATCH, type="EXPRESS"), lambda _: None),
    (fields.definition_size, "bytes", IMAGE, lambda body: body.update(Comment="n" * 1_048_576)),
    (paths.legal_paths, "InputPath", IMAGE, task(InputPath="input")),
    (paths.legal_paths, "OutputPath", IMAGE, task(OutputPath="$.[")),
    (paths.legal_paths, "ItemsPath", BATCH, lambda body: inline(body).update(ItemsPath="$.items[*]")),
    (paths.legal_paths, "ResultPath", IMAGE, task(ResultPath="$..result")),
    (paths.legal_paths, "ResultPath", IMAGE, task(ResultPath="$$.result")),
    (paths.legal_paths, "MaxItemsPerBatchPath", BATCH, within("ItemBatcher", MaxItemsPerBatchPath="$.sizes[0:1]")),
    (paths.legal_templates, "looks like", IMAGE, task(Parameters={"Payload": "$.input"})),
    (paths.legal_templates, "looks like", IMAGE, task(Parameters={"deep": [{"Payload": "States.UUID()"}]})),
    (paths.legal_templates, "comes twice", IMAGE, task(Parameters={"key": 1, "key.$": "$"})),
    (paths.legal_templates, "no value", BATCH, passes("value")),
    (paths.legal_templates, "no text", BATCH, passes(1)),
    (paths.legal_templates, "no path", BATCH, passes("$.[")),
    (paths.legal_templates, "no States.Upper", BATCH, passes("States.Upper($)")),
    (paths.legal_templates, "UUID has 1 arguments", BATCH, passes("States.UUID($)")),
    (paths.legal_templates, "JsonMerge has 2 arguments", BATCH, passes("States.JsonMerge($, $)")),
    (paths.legal_templates, "JsonMerge has 4 arguments", BATCH, passes("States.JsonMerge($, $, false, 1)")),
    (paths.legal_templates, "1 marks in the text, 0 values", BATCH, passes("States.Format('{}')")),
    (paths.legal_templates, "MathAdd has 1 arguments", BATCH, passes("States.Array(States.MathAdd(1))")),
    (paths.legal_templates, "no value", BATCH, passes("States.Array(value)")),
    (paths.legal_templates, "no comma or bracket", BATCH, passes("States.Array($ $)")),
    (paths.legal_templates, "an argument is missing", BATCH, passes("States.Array($,")),
    (paths.legal_templates, "neither a path nor a call", BATCH, passes("States.UUID() more")),
    (paths.legal_templates, "deeper than 10", BATCH, passes(nested_deep(11))),
    (paths.legal_templates, "ItemReader", BATCH, within("ItemReader", Parameters={"Key": "$.key"})),
    (paths.legal_causes, "returns no text", BATCH, fails(CausePath="States.ArrayLength($.rows)")),
    (paths.legal_causes, "JsonToString has 2", BATCH, fails(CausePath="States.JsonToString($, $)")),
    (paths.legal_causes, "no reference path", BATCH, fails(ErrorPath="$.errors[*]")),
    (choices.legal_choices, "has no Next", BATCH, choice(Variable="$.a", IsPresent=True)),
    (choices.legal_choices, "one comparison", BATCH, choice(Variable="$.a", Next="A")),
    (choices.legal_choices, "one comparison", BATCH, choice(IsPresent=True, Next="A")),
    (choices.legal_choices, "one comparison", BATCH, choice(Variable="$", IsPresent=True, IsNull=False, Next="A")),
    (choices.legal_choices, "one comparison", BATCH, choice(Variable="$", StringLike="a", Next="A")),
    (
        choices.legal_choices,
        "one comparison",
        BATCH,
        choice(Not=NESTED, Next="A"),
    ),
    (choices.legal_choices, "nothing in And", BATCH, choice(And=[], Next="A")),
    (choices.legal_choices, "no reference path", BATCH, choice(Variable="$.a[*]", IsPresent=True, Next="A")),
    (
        choices.legal_choices,
        "compares by StringEqualsPath",
        BATCH,
        choice(Variable="$.a", StringEqualsPath="b", Next="A"),
    ),
    (choices.legal_choices, "compares by NumericEquals", BATCH, choice(Variable="$.a", NumericEquals="1", Next="A")),
    (choices.legal_choices, "compares by NumericEquals", BATCH, choice(Variable="$.a", NumericEquals=True, Next="A")),
    (
        choices.legal_choices,
        "TimestampEquals",
        BATCH,
        choice(Variable="$.a", TimestampEquals="2026-13-01T00:00:00Z", Next="A"),
    ),
]
