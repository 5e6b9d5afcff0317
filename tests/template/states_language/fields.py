"""Rules over fields: which a state may have, which exclude each other, and the bounds of numbers."""

import json
from collections.abc import Iterator

from local import states_language
from local.template import StateMachineSpec
from tests.template.states_language.walk import Rule, inner, states

MOST_BYTES = 1_048_576
FLOW = {"Next", "End"}
DATA = {"InputPath", "OutputPath", "ResultPath", "Parameters", "Assign"}
FAULTS = {"ResultSelector", "Retry", "Catch"}
# Values that may be given by their own name or, with Path behind it, by a path.
PERIODS = {"TimeoutSeconds", "HeartbeatSeconds"}
TOLERANCES = {"ToleratedFailureCount", "ToleratedFailurePercentage"}
BATCHES = {"MaxItemsPerBatch", "MaxInputBytesPerBatch"}
CAUSES = {"Error", "Cause"}
BY_PATH_TOO = PERIODS | TOLERANCES | BATCHES | CAUSES | {"MaxConcurrency", "MaxItems"}


def or_path(names: set[str]) -> set[str]:
    """Return names and the names of their paths."""
    return names | {f"{name}Path" for name in names}


# Fields that only a Distributed Map has.
DISTRIBUTED = {"ItemReader", "ItemBatcher", "ResultWriter", "Label"} | or_path(TOLERANCES)
WAITS = or_path({"Seconds", "Timestamp"})
FIELDS: dict[str, set[str]] = {
    "Pass": FLOW | DATA | {"Result"},
    "Task": FLOW | DATA | FAULTS | or_path(PERIODS) | {"Resource", "Credentials"},
    "Choice": {"InputPath", "OutputPath", "Assign", "Choices", "Default"},
    "Wait": FLOW | WAITS | {"InputPath", "OutputPath", "Assign"},
    "Succeed": {"InputPath", "OutputPath"},
    "Fail": or_path(CAUSES),
    "Parallel": FLOW | DATA | FAULTS | {"Branches"},
    "Map": FLOW
    | DATA
    | FAULTS
    | DISTRIBUTED
    | or_path({"MaxConcurrency"})
    | {"ItemProcessor", "ItemsPath", "ItemSelector"},
}
REQUIRED = {"Task": "Resource", "Choice": "Choices", "Map": "ItemProcessor", "Parallel": "Branches"}
INNER = {
    "ItemProcessor": {"ProcessorConfig", "StartAt", "States", "Comment"},
    "ItemProcessor.ProcessorConfig": {"Mode", "ExecutionType"},
    "ItemReader": {"Resource", "Parameters", "ReaderConfig"},
    "ItemReader.ReaderConfig": or_path({"MaxItems"})
    | {
        "InputType",
        "CSVHeaderLocation",
        "CSVHeaders",
        "CSVDelimiter",
        "ItemsPointer",
        "ManifestType",
        "Transformation",
    },
    "ItemBatcher": or_path(BATCHES) | {"BatchInput"},
    "ResultWriter": {"Resource", "Parameters", "WriterConfig"},
    "ResultWriter.WriterConfig": {"Transformation", "OutputType"},
    "Retry": {
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
        "Comment",
    },
    "Catch": {"ErrorEquals", "Next", "ResultPath", "Assign", "Comment"},
}
CHOSEN = {
    "Mode": {"INLINE", "DISTRIBUTED"},
    "ExecutionType": {"STANDARD", "EXPRESS"},
    "InputType": {"CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"},
    "CSVHeaderLocation": {"FIRST_ROW", "GIVEN"},
    "CSVDelimiter": {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"},
    "OutputType": {"JSON", "JSONL"},
    "JitterStrategy": {"FULL", "NONE"},
}
FOREVER = 99_999_999
# The least and the most of each number; whole numbers where both are.
RANGES: dict[str, tuple[float, float]] = {
    "TimeoutSeconds": (1, FOREVER),
    "HeartbeatSeconds": (1, FOREVER),
    "Seconds": (0, FOREVER),
    "MaxConcurrency": (0, FOREVER),
    "ToleratedFailureCount": (0, FOREVER),
    "ToleratedFailurePercentage": (0.0, 100.0),
    "MaxItems": (1, 100_000_000),
    "MaxItemsPerBatch": (1, 100_000_000),
    "MaxInputBytesPerBatch": (1, 262_144),
    "IntervalSeconds": (1, FOREVER),
    "MaxAttempts": (0, FOREVER),
    "BackoffRate": (1.0, float("inf")),
    "MaxDelaySeconds": (1, 31_622_399),
}


def structure(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, States and Transitions: names are unique in the whole machine, and every transition leads to a state."""
    yield from map(str, states_language.problems(json.loads(machine.definition)))


def every_state_can_end(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Transitions: transitions go on until a terminal state, so each state has a way to one."""
    for processor in states_language.processors(json.loads(machine.definition)):
        final = {name for name, state in processor.states.items() if states_language.ends(state)}
        for name in processor.states:
            if not states_language.reached(processor, name) & final:
                yield f"{processor.where}/States/{name} never ends"


def next_or_end(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Transitions: all states but Choice, Succeed and Fail have either Next or End; End is true."""
    for where, state in states(json.loads(machine.definition)):
        if FIELDS.get(state["Type"], FLOW) >= FLOW and len(FLOW & state.keys()) != 1:
            yield f"{where} must have one of Next and End"
        if state.get("End", True) is not True:
            yield f"{where} has an End other than true"


def legal_fields(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, State Types: a state has the fields of its type, and those that the type demands."""
    for where, state in states(json.loads(machine.definition)):
        kind = state["Type"]
        if kind not in FIELDS:
            yield f"{where} has the unknown type {kind}"
            continue
        for name in state.keys() - FIELDS[kind] - {"Type", "Comment", "QueryLanguage"}:
            yield f"{where} is a {kind} and can't have {name}"
        if kind in REQUIRED and not state.get(REQUIRED[kind]):
            yield f"{where} is a {kind} without {REQUIRED[kind]}"
        if kind == "Wait" and len(WAITS & state.keys()) != 1:
            yield f"{where} must have one of {sorted(WAITS)}"


def legal_inner_fields(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Map State and Errors; state-map-distributed.html: what is inside a state has its own fields and values."""
    for where, state in states(json.loads(machine.definition)):
        for name, fields in inner(state):
            for unknown in fields.keys() - INNER[name]:
                yield f"{where}/{name} can't have {unknown}"
            for field in fields.keys() & CHOSEN.keys():
                if fields[field] not in CHOSEN[field]:
                    yield f"{where}/{name} has {field} {fields[field]}, which is none of {sorted(CHOSEN[field])}"


def a_field_or_its_path(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Task State, Map State and Fail State: a value is given by X or by XPath."""
    for where, state in states(json.loads(machine.definition)):
        for fields in (state, *(fields for _, fields in inner(state))):
            for name in fields.keys() & BY_PATH_TOO:
                if f"{name}Path" in fields:
                    yield f"{where} has both {name} and {name}Path"


def numbers_in_range(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Errors and Map State; concepts-error-handling.html: numbers are within their bounds."""
    body = json.loads(machine.definition)
    for where, state in [("", body), *states(body)]:
        for fields in (state, *(fields for _, fields in inner(state))):
            for name in fields.keys() & RANGES.keys():
                least, most = RANGES[name]
                whole = isinstance(least, int) and isinstance(most, int)
                value = fields[name]
                if type(value) not in ({int} if whole else {int, float}) or not least <= value <= most:
                    yield f"{where} has {name} {value!r}, not from {least} to {most}"


def shorter_periods_are_shorter(machine: StateMachineSpec) -> Iterator[str]:
    """SPEC, Errors, Task State: MaxDelaySeconds exceed IntervalSeconds, HeartbeatSeconds are below TimeoutSeconds."""
    for where, state in states(json.loads(machine.definition)):
        for fields in (state, *(fields for _, fields in inner(state))):
            if fields.get("MaxDelaySeconds", FOREVER) <= fields.get("IntervalSeconds", 1):
                yield f"{where} has a MaxDelaySeconds that is not above its IntervalSeconds"
            if fields.get("HeartbeatSeconds", 0) >= fields.get("TimeoutSeconds", FOREVER):
                yield f"{where} has HeartbeatSeconds that are not below its TimeoutSeconds"


def definition_size(machine: StateMachineSpec) -> Iterator[str]:
    """API_CreateStateMachine.html: a definition has at most 1 MiB."""
    if (size := len(machine.definition.encode())) > MOST_BYTES:
        yield f"The definition has {size} bytes"


RULES: list[Rule] = [
    structure,
    every_state_can_end,
    next_or_end,
    legal_fields,
    legal_inner_fields,
    a_field_or_its_path,
    numbers_in_range,
    shorter_periods_are_shorter,
    definition_size,
]
