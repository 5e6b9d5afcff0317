"""The patches for EventBridge: each target gets what it asks for, and the end of a Standard execution is an event."""

import json

from tests.contract.conftest import Outcome

EXECUTION = """
    import json, threading, time
    import boto3
    from moto import mock_aws
    from moto.core.config import default_user_config
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    mock_aws().start()
    states, sqs, events = (boto3.client(name) for name in ("stepfunctions", "sqs", "events"))
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED", "TIMED_OUT", "ABORTED"]}}
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:queue", "InputPath": "$.detail"}
    events.put_targets(Rule="rule", Targets=[target])

    stopped = threading.Event()

    def ended(name, state, stop_after=None):
        definition = json.dumps({"StartAt": "Only", "States": {"Only": state}})
        role = "arn:aws:iam::123456789012:role/role"
        arn = states.create_state_machine(name=name, definition=definition, roleArn=role)["stateMachineArn"]
        started = states.start_execution(stateMachineArn=arn, name="it", input='{"key": "é"}')
        if stop_after:
            stop_after.wait(60)
            states.stop_execution(executionArn=started["executionArn"])
            stopped.set()
        while (end := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            time.sleep(0.01)
        return end["status"]
"""
FAILED = """
    ends = [ended("good", {"Type": "Pass", "End": True})]
    ends.append(ended("bad", {"Type": "Fail", "Error": "Broken", "Cause": "It broke."}))
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
    print(json.dumps([json.loads(one["Body"]) for one in found]))
"""
ABORTED = """
    from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sqs import (
        StateTaskServiceSqs as Service,
    )
    send, begun = Service._eval_service_task, threading.Event()
    def send_late(*given, **named):
        begun.set()
        stopped.wait(60)
        send(*given, **named)
    Service._eval_service_task = send_late
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True,
            "Parameters": {"QueueUrl": "https://nowhere", "MessageBody": "it"}}
    print(ended("stopped", task, begun))
"""

MACHINE = """
    import json
    import boto3
    from moto import mock_aws
    from moto.core.config import default_user_config
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    mock_aws().start()
    states, role = boto3.client("stepfunctions"), "arn:aws:iam::123456789012:role/role"
    definition = json.dumps({"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": "aloud", "End": True}}})
"""
UPLOAD = """
    arn = states.create_state_machine(name="machine", definition=definition, roleArn=role)["stateMachineArn"]
    pattern = {"detail-type": ["Object Created"], "detail": {"object": {"key": [{"prefix": "incoming/"}]}}}
    boto3.client("events").put_rule(Name="rule", EventPattern=json.dumps(pattern))
    boto3.client("events").put_targets(Rule="rule", Targets=[{"Id": "machine", "Arn": arn}])
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    for key in ("incoming/one", "elsewhere/two"):
        s3.put_object(Bucket="bucket", Key=key)
    print(len(states.list_executions(stateMachineArn=arn)["executions"]))
"""
TAGS = """
    pattern = {"source": ["aws.s3"]}
    sqs, s3 = boto3.client("sqs"), boto3.client("s3")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    boto3.client("events").put_rule(Name="rule", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:queue"}
    boto3.client("events").put_targets(Rule="rule", Targets=[target])
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    s3.put_object(Bucket="bucket", Key="one")
    s3.put_object_tagging(Bucket="bucket", Key="one", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    print(*sorted(json.loads(one["Body"])["detail-type"] for one in found), sep=", ")
    s3.put_object(Bucket="bucket", Key="one")
    print(s3.get_object_tagging(Bucket="bucket", Key="one")["TagSet"])
"""


def test_the_end_of_a_failed_execution_reaches_a_queue_with_its_input(outcome: Outcome) -> None:
    assert json.loads(outcome(EXECUTION + FAILED, patched=False)) == []
    (detail,) = json.loads(outcome(EXECUTION + FAILED, patched=True))
    assert detail["executionArn"].endswith(":execution:bad:it")
    assert (detail["status"], detail["error"], detail["output"]) == ("FAILED", "Broken", None)
    assert json.loads(detail["input"]) == {"key": "é"}


def test_an_execution_that_is_stopped_during_a_task_that_then_fails_is_aborted(outcome: Outcome) -> None:
    assert outcome(EXECUTION + ABORTED, patched=False) == "FAILED"
    assert outcome(EXECUTION + ABORTED, patched=True) == "ABORTED"


def test_moto_ignores_state_machines_as_targets_and_the_patch_starts_them(outcome: Outcome) -> None:
    assert outcome(MACHINE + UPLOAD, patched=False) == "0"
    assert outcome(MACHINE + UPLOAD, patched=True) == "1"


def test_moto_announces_tags_at_every_object_and_the_patch_where_they_are_put(outcome: Outcome) -> None:
    announced = "Object Created, Object Tags Added"
    assert outcome(MACHINE + TAGS, patched=False) == f"{announced}, Object Tags Added\n[]"
    assert outcome(MACHINE + TAGS, patched=True) == f"{announced}\n[]"
