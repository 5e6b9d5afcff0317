"""Each patch for moto's Step Functions: two fresh interpreters run the same, one with the patches and one without."""

import json
from typing import Any

import pytest

from tests.contract.conftest import Outcome

# Prints as one line of JSON what became of each definition; `run` gives status, error, output.
PROGRAM = """
import json, os, sys, time
import boto3
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.config import default_user_config
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

default_user_config["stepfunctions"] = {"execute_state_machine": True}
LONGEST = 60
ROLE = "arn:aws:iam::123456789012:role/any"
LIST = "arn:aws:states:::s3:listObjectsV2"
FAIL_ON_3 = {
    "Is it 3": {
        "Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 3, "Next": "Three"}], "Default": "Other",
    },
    "Three": {"Type": "Fail", "Error": "Three", "Cause": "It is 3."},
    "Other": {"Type": "Pass", "End": True},
}
PASS = {"Pass": {"Type": "Pass", "End": True}}

def mapped(states=PASS, kind="STANDARD", **fields):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    processor = {"ProcessorConfig": config, "StartAt": next(iter(states)), "States": states}
    return {"StartAt": "Map", "States": {"Map": {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}}}

def run(definition, given):
    states = boto3.client("stepfunctions", "us-east-1")
    try:
        name, text = f"m{time.time_ns()}", json.dumps(definition)
        machine = states.create_state_machine(name=name, definition=text, roleArn=ROLE)["stateMachineArn"]
    except ClientError:
        return ["REFUSED", None, None]
    arn = states.start_execution(stateMachineArn=machine, name="x", input=json.dumps(given))["executionArn"]
    deadline = time.monotonic() + LONGEST
    try:
        while (end := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    except TypeError:
        return ["NOT JSON", None, None]
    for one in states.list_map_runs(executionArn=arn)["mapRuns"]:
        told = states.describe_map_run(mapRunArn=one["mapRunArn"])
        found.setdefault("counts", []).append([told["itemCounts"], told["executionCounts"]])
    return [end["status"], end.get("error"), json.loads(end["output"]) if "output" in end else None]

def listed(prefix):
    reader = {"Resource": LIST, "Parameters": {"Bucket": "bucket", "Prefix": prefix, "MaxKeys": 5}}
    status, error, output = run(mapped(ItemReader=reader, MaxConcurrency=20), {})
    return [status, output and [item["Key"] for item in output]]

def written(**config):
    target = {"Bucket": "bucket", "Prefix": "out"}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": target, **config}
    status, error, output = run(mapped(FAIL_ON_3, ResultWriter=writer, ToleratedFailureCount=1), [1, 2, 3])
    if output is None:
        return status
    s3 = boto3.client("s3")
    manifest = json.loads(s3.get_object(**output["ResultWriterDetails"])["Body"].read())
    files = manifest["ResultFiles"]
    return {
        end: [s3.get_object(Bucket="bucket", Key=file["Key"])["Body"].read().decode() for file in files[end]]
        for end in files
    }

def sdk_task():
    resource = "arn:aws:states:::aws-sdk:sfn:describeStateMachine"
    parameters = {"StateMachineArn.$": "$$.StateMachine.Id"}
    task = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return run({"StartAt": "Task", "States": {"Task": task}}, {})

def environment_at_start():
    seen = []
    class Worker(ExecutionWorker):
        def __init__(self): self.env = None
        def _get_evaluation_environment(self): return "made"
        def _execution_logic(self): pass
    worker = Worker()
    worker.start()
    return worker.env

def unnamed():
    states = boto3.client("stepfunctions", "us-east-1")
    text = json.dumps({"StartAt": "Pass", "States": PASS})
    machine = states.create_state_machine(name="unnamed", definition=text, roleArn=ROLE)["stateMachineArn"]
    try:
        started = [states.start_execution(stateMachineArn=machine, input=given) for given in ("{}", "[]", "[]")]
        started.append(states.start_execution(stateMachineArn=machine, name="named"))
    except ClientError as error:
        return error.response["Error"]["Code"]
    names = [one["name"] for one in states.list_executions(stateMachineArn=machine)["executions"]]
    return [len({one["executionArn"] for one in started}), sorted(map(len, names)), "named" in names]

def refusal(definition, update=False):
    states = boto3.client("stepfunctions", "us-east-1")
    start = {"StartAt": "Pass", "States": PASS}
    name, text = f"m{time.time_ns()}", json.dumps(definition)
    try:
        made = states.create_state_machine(name=name, definition=json.dumps(start) if update else text, roleArn=ROLE)
        if update:
            states.update_state_machine(stateMachineArn=made["stateMachineArn"], definition=text)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]

def deployment(definition):
    from local.app_stack import DefinitionRefused, deploy_state_machines
    from local.template import StateMachineSpec
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    try:
        deploy_state_machines([StateMachineSpec("Broken", "STANDARD", json.dumps(definition))])
    except DefinitionRefused as error:
        return str(error)

def broken_structures():
    twice = mapped({"Map": {"Type": "Pass", "End": True}})
    return {
        "repeated": refusal(twice),
        "updated": refusal(twice, update=True),
        "deployed": deployment(twice),
        "long": refusal({"StartAt": "n" * 81, "States": {"n" * 81: {"Type": "Succeed"}}}),
        "longest": refusal({"StartAt": "n" * 80, "States": {"n" * 80: {"Type": "Succeed"}}}),
        "nowhere": refusal({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "C": {"Type": "Succeed"}}}),
        "start": refusal({"StartAt": "B", "States": PASS}),
        "endless": refusal({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}}),
    }

found = {}
with mock_aws():
    s3 = boto3.client("s3", "us-east-1")
    s3.create_bucket(Bucket="bucket")
    for number in range(12):
        s3.put_object(Bucket="bucket", Key=f"many/{number:04d}", Body=b"")
    found["batches"] = run(mapped(ItemBatcher={"MaxItemsPerBatch": 2}), [1, 2, 3])
    found["batches by path"] = run(
        mapped(ItemBatcher={"MaxItemsPerBatchPath": "$.size"}, ItemsPath="$.items"), {"size": 3, "items": [1, 2, 3, 4]}
    )
    found["express"] = run(mapped(kind="EXPRESS"), [1])
    found["none tolerated"] = run(mapped(FAIL_ON_3), [1, 2, 3, 4])
    found["too many"] = run(mapped(FAIL_ON_3, ToleratedFailurePercentage=24.9), [1, 2, 3, 4])
    found["as many as tolerated"] = run(mapped(FAIL_ON_3, ToleratedFailurePercentage=25.0), [1, 2, 3, 4])
    found["whole percentage"] = run(mapped(ToleratedFailurePercentage=5), [1])
    found["lower limit"] = run(mapped(FAIL_ON_3, ToleratedFailureCount=0, ToleratedFailurePercentage=90.0), [3])
    found["many"] = listed("many/")
    found["empty"] = listed("nothing/")
    found["missing bucket"] = run(
        mapped(ItemReader={"Resource": LIST, "Parameters": {"Bucket": "no-such-bucket", "Prefix": ""}}), {}
    )[:2]
    found["results"] = written()
    found["lines"] = written(WriterConfig={"Transformation": "NONE", "OutputType": "JSONL"})
    found["sdk task"] = sdk_task()
    values = {"first.$": "$.rows[0].name", "all.$": "$.rows[*].name", "last.$": "$.rows[1]", "list.$": "$.rows[0].tags"}
    one = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "Parameters": values, "End": True}}}
    found["paths"] = run(one, {"rows": [{"name": "a", "tags": ["x"]}, {"name": "b"}]})[2]
    found["environment"] = environment_at_start()
    found["unnamed"] = unnamed()
    found["broken"] = broken_structures()
    # A worker that recurses ends here, and its execution never.
    LONGEST = 5
    sys.setrecursionlimit(400)
    found["deep"] = run(mapped(MaxConcurrency=1), list(range(450)))[:2]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def plain(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads(outcome(PROGRAM, patched=False)))


@pytest.fixture(scope="module")
def patched(outcome: Outcome) -> dict[str, Any]:
    return dict(json.loads(outcome(PROGRAM, patched=True)))


def test_items_are_batched(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["batches"][0] == "REFUSED"
    assert patched["batches"] == ["SUCCEEDED", None, [{"Items": [1, 2]}, {"Items": [3]}]]
    assert patched["batches by path"][2] == [{"Items": [1, 2, 3]}, {"Items": [4]}]


def test_children_may_be_express(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["express"][0] == "REFUSED"
    assert patched["express"] == ["SUCCEEDED", None, [1]]


def test_more_failures_than_are_tolerated_end_the_map_run(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["none tolerated"][0] == plain["too many"][0] == "SUCCEEDED"
    exceeded = ["FAILED", "States.ExceedToleratedFailureThreshold", None]
    assert patched["none tolerated"] == patched["too many"] == patched["lower limit"] == exceeded
    assert patched["as many as tolerated"] == ["SUCCEEDED", None, [1, 2, 4]]


def test_a_percentage_may_be_a_whole_number(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["whole percentage"][0] == "REFUSED"
    assert patched["whole percentage"][0] == "SUCCEEDED"


def test_keys_past_the_first_page_are_listed(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["many"] == ["NOT JSON", None]
    assert patched["many"] == ["SUCCEEDED", [f"many/{number:04d}" for number in range(12)]]


def test_an_empty_prefix_gives_no_items(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["empty"][0] == "FAILED"
    assert patched["empty"] == ["SUCCEEDED", []]


def test_a_missing_bucket_fails_the_item_reader_by_name(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["missing bucket"] == ["FAILED", "States.Runtime"]
    assert patched["missing bucket"] == ["FAILED", "States.ItemReaderFailed"]


def test_one_worker_takes_more_items_than_python_recurses(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["deep"][0] == "RUNNING"
    assert patched["deep"][0] == "SUCCEEDED"


def test_results_are_written_by_how_children_ended(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["results"] == {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    written = {end: [json.loads(file) for file in files] for end, files in patched["results"].items()}
    assert [(child["Input"], child["Output"]) for child in written["SUCCEEDED"][0]] == [("1", "1"), ("2", "2")]
    ((failed,),) = written["FAILED"]
    assert (failed["Input"], failed["Status"], failed["Error"], failed["Cause"]) == ("3", "FAILED", "Three", "It is 3.")


def test_results_may_be_lines(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["lines"] == "REFUSED"
    (lines,) = patched["lines"]["SUCCEEDED"]
    assert [json.loads(line)["Output"] for line in lines.splitlines()] == ["1", "2"]


def test_a_map_run_counts_items_and_children(patched: dict[str, Any]) -> None:
    items, children = patched["counts"][0]
    assert (items["total"], items["succeeded"], items["pending"], items["running"]) == (3, 3, 0, 0)
    assert (children["total"], children["succeeded"]) == (2, 2)


def test_sdk_tasks_have_the_names_of_step_functions(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["sdk task"][0] == "FAILED"
    status, _, output = patched["sdk task"]
    assert (status, output["Type"]) == ("SUCCEEDED", "STANDARD")
    assert output["CreationDate"].endswith("Z")


def test_an_execution_has_its_environment_from_the_start(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["environment"] is None
    assert patched["environment"] == "made"


def test_state_names_that_repeat_in_the_whole_machine_are_refused(
    plain: dict[str, Any], patched: dict[str, Any]
) -> None:
    assert plain["broken"]["repeated"] is plain["broken"]["updated"] is None
    problem = "DUPLICATE_STATE_NAME: Duplicate State name: Map at /States/Map/ItemProcessor/States/Map"
    refusal = ["InvalidDefinition", f"Invalid State Machine Definition: '{problem}'"]
    assert patched["broken"]["repeated"] == patched["broken"]["updated"] == refusal


def test_a_deployment_says_which_definition_is_refused(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["broken"]["deployed"] is None
    assert patched["broken"]["deployed"].startswith("Broken: ")
    assert "DUPLICATE_STATE_NAME" in patched["broken"]["deployed"]


def test_a_state_name_has_80_characters_at_most(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["broken"]["long"] is None
    assert "INVALID_STATE_NAME" in patched["broken"]["long"][1]
    assert patched["broken"]["longest"] is None


def test_transitions_lead_to_states_and_states_are_reached(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["broken"]["nowhere"] is plain["broken"]["start"] is plain["broken"]["endless"] is None
    assert "Missing 'Next' target: B at /States/A" in patched["broken"]["nowhere"][1]
    assert 'State "C" is not reachable. at /States/C' in patched["broken"]["nowhere"][1]
    assert "Missing 'StartAt' target: B" in patched["broken"]["start"][1]
    assert "MISSING_END_STATE" in patched["broken"]["endless"][1]


def test_a_path_to_one_node_gives_its_value(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["paths"]["first"] == ["a"]
    assert patched["paths"] == {"first": "a", "all": ["a", "b"], "last": {"name": "b"}, "list": ["x"]}


def test_an_execution_without_a_name_is_named_by_a_uuid(plain: dict[str, Any], patched: dict[str, Any]) -> None:
    assert plain["unnamed"] == "ExecutionAlreadyExists"
    assert patched["unnamed"] == [4, [5, 36, 36, 36], True]
