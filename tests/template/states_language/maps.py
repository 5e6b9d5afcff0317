"""Rules over Distributed Maps, and over what an Express workflow can't have."""

import json
from collections.abc import Iterator

from local.template import StateMachineSpec
from tests.template.states_language.fields import DISTRIBUTED
from tests.template.states_language.walk import Fields, Rule, states

EXPRESS_SECONDS = 300
LONGEST_LABEL = 40
NOT_IN_LABELS = set(' ?*<>{}[]:;,\\|^~$#%&`"')


def distributed_fields(machine: StateMachineSpec) -> Iterator[str]:
    """state-map.html and state-map-distributed.html: what only a Distributed Map may have, and what it must."""
    for where, state in states(json.loads(machine.definition)):
        if state["Type"] != "Map":
            continue
        if not _is_distributed(state):
            for name in state.keys() & DISTRIBUTED:
                yield f"{where} has {name}, which only a Distributed Map may"
            if "ExecutionType" in _config(state):
                yield f"{where} has an ExecutionType, which only a Distributed Map may"
        elif "ExecutionType" not in _config(state):
            yield f"{where} must say the ExecutionType of its children"


def readers_and_batches(machine: StateMachineSpec) -> Iterator[str]:
    """input-output-itemreader.html, -itembatcher.html, -resultwriter.html: what each of them must have."""
    for where, state in states(json.loads(machine.definition)):
        if "ItemBatcher" in state and not state["ItemBatcher"].keys() - {"BatchInput"}:
            yield f"{where}/ItemBatcher must bound a batch by its items or bytes"
        for name in {"ItemReader", "ResultWriter"} & state.keys():
            if not {"Resource", "Parameters"} <= state[name].keys():
                yield f"{where}/{name} must have Resource and Parameters"


def legal_labels(machine: StateMachineSpec) -> Iterator[str]:
    """state-map-distributed.html: a Label is unique, has at most 40 characters, and none that ARNs can't have."""
    labels = [state["Label"] for _, state in states(json.loads(machine.definition)) if "Label" in state]
    for label in labels:
        if not 0 < len(label) <= LONGEST_LABEL or set(label) & NOT_IN_LABELS:
            yield f"{label!r} is no legal Label"
        if labels.count(label) > 1:
            yield f"the Label {label!r} appears twice"


def express_runs_no_jobs(machine: StateMachineSpec) -> Iterator[str]:
    """choosing-workflow-type.html: Express has no .sync, no .waitForTaskToken, no Distributed Map, and 5 minutes."""
    body = json.loads(machine.definition)
    if machine.type == "EXPRESS":
        yield from _not_express(body, "")
        if body.get("TimeoutSeconds", EXPRESS_SECONDS) > EXPRESS_SECONDS:
            yield f"TimeoutSeconds is above the {EXPRESS_SECONDS} of an Express execution"
    for where, state in states(body):
        if _config(state).get("ExecutionType") == "EXPRESS":
            yield from _not_express(state["ItemProcessor"], f"{where}/ItemProcessor")


def _not_express(body: Fields, above: str) -> Iterator[str]:
    for where, state in states(body):
        resource = state.get("Resource", "")
        if resource.endswith((".sync", ".sync:2", ".waitForTaskToken")):
            yield f"{above}{where} waits by .{resource.partition('.')[2]}"
        if _is_distributed(state):
            yield f"{above}{where} is a Distributed Map"


def _is_distributed(state: Fields) -> bool:
    return bool(_config(state).get("Mode") == "DISTRIBUTED")


def _config(state: Fields) -> Fields:
    config: Fields = state.get("ItemProcessor", {}).get("ProcessorConfig", {})
    return config


RULES: list[Rule] = [distributed_fields, readers_and_batches, legal_labels, express_runs_no_jobs]
