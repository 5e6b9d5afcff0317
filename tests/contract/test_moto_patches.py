"""Each patch for moto: a fresh interpreter shows that moto still needs it, and that the patch does what it says."""

from tests.contract.conftest import Outcome

PARSE = """
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser as Parser
    text = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    print(Parser.parse(text)[0] is Parser.parse(text)[0])
"""
CLIENTS = """
    import os
    os.environ |= {"MOTO_PORT": "1"}
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils as users
    print(users.boto_client_for("us-east-1", "lambda", object()) is users.boto_client_for("us-east-1", "lambda", []))
"""
BACKENDS = """
    import moto.backends
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    listed = []
    modules = moto.backends.list_of_moto_modules
    moto.backends.list_of_moto_modules = lambda: (listed.append(1), modules())[1]
    application = DomainDispatcherApplication(create_backend_app)
    found = {application.get_backend_for_host("s3.us-east-1.amazonaws.com") for _ in range(2)}
    print(found == {"s3"} and len(listed) < 2)
"""
PATHS = """
    from moto.stepfunctions.parser.asl.component.common.path import result_path
    from moto.stepfunctions.parser.asl.utils import json_path
    print(all(module.parse("$.a") is module.parse("$.a") for module in (json_path, result_path)))
"""
COPIES = """
    import copy
    looked = []
    deepcopy = copy.deepcopy
    copy.deepcopy = lambda value: (looked.append(1), deepcopy(value))[1]
    from moto.stepfunctions.parser.asl.eval.states import States
    given = {"a": [1, {"b": None}]}
    states = States({"Execution": {"Input": given}})
    copied = states.get_input()
    print(copied == given and copied["a"][1] is not given["a"][1] and not looked)
"""
WAITING = """
    import boto3
    import moto.core.utils as clock
    from moto import mock_aws
    from moto.sqs.models import sqs_backends
    with mock_aws():
        sqs = boto3.client("sqs", "us-east-1")
        url = sqs.create_queue(QueueName="queue")["QueueUrl"]
        for delay in (0, 0, 0, 0, 60, 60):
            sqs.send_message(QueueUrl=url, MessageBody="it", DelaySeconds=delay)
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)
        queue, looked, now = sqs_backends["123456789012"]["us-east-1"].get_queue("queue"), [], clock.utcnow
        clock.utcnow = lambda: (looked.append(1), now())[1]
        kinds = ("", "_not_visible", "_delayed")
        print(*(getattr(queue, f"approximate_number_of_messages{kind}") for kind in kinds), len(looked) == len(kinds))
"""
NOTIFICATIONS = """
    import boto3
    from moto import mock_aws
    with mock_aws():
        s3 = boto3.client("s3", "us-east-1")
        s3.create_bucket(Bucket="bucket")
        assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket="bucket")
        s3.put_bucket_notification_configuration(
            Bucket="bucket", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        print("EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket="bucket"))
"""
LACKING = """
    import boto3
    from botocore.exceptions import ClientError
    from moto import mock_aws
    with mock_aws():
        try:
            boto3.client("iam").simulate_principal_policy(PolicySourceArn="a" * 20, ActionNames=["s3:GetObject"])
        except ClientError as error:
            print(error.response["ResponseMetadata"]["HTTPStatusCode"] == 501, "simulate" in str(error))
        except NotImplementedError:
            print("raised")
"""
PATHS_LEFT = """
    import sys
    from moto.stepfunctions.parser.asl.utils import json_path
    print([name for name, module in sys.modules.items()
           if getattr(module, "extract_json", json_path.extract_json) is not json_path.extract_json])
"""
SYNC_HOST = """
    import os
    os.environ |= {"MOTO_PORT": "1"}
    from moto.stepfunctions.parser.asl.utils import boto_client
    print(boto_client.boto_client_for("us-east-1", "stepfunctions").meta.config.inject_host_prefix is False)
"""


def test_moto_parses_each_definition_anew_and_the_patch_once(outcome: Outcome) -> None:
    assert outcome(PARSE, patched=False) == "False"
    assert outcome(PARSE, patched=True) == "True"


def test_moto_makes_a_client_for_each_task_and_the_patch_one(outcome: Outcome) -> None:
    assert outcome(CLIENTS, patched=False) == "False"
    assert outcome(CLIENTS, patched=True) == "True"


def test_moto_lists_its_folder_for_each_request_and_the_patch_once(outcome: Outcome) -> None:
    assert outcome(BACKENDS, patched=False) == "False"
    assert outcome(BACKENDS, patched=True) == "True"


def test_moto_parses_a_path_at_each_look_and_the_patch_once(outcome: Outcome) -> None:
    assert outcome(PATHS, patched=False) == "False"
    assert outcome(PATHS, patched=True) == "True"


def test_moto_copies_json_as_any_object_and_the_patch_as_json(outcome: Outcome) -> None:
    assert outcome(COPIES, patched=False) == "False"
    assert outcome(COPIES, patched=True) == "True"


def test_moto_looks_for_synchronous_executions_at_a_host_of_their_own_and_the_patch_does_not(outcome: Outcome) -> None:
    assert outcome(SYNC_HOST, patched=False) == "False"
    assert outcome(SYNC_HOST, patched=True) == "True"


def test_moto_leaves_eventbridge_out_of_a_buckets_notifications_and_the_patch_does_not(outcome: Outcome) -> None:
    assert outcome(NOTIFICATIONS, patched=False) == "False"
    assert outcome(NOTIFICATIONS, patched=True) == "True"


def test_moto_looks_at_the_clock_for_each_waiting_message_and_the_patch_once(outcome: Outcome) -> None:
    assert outcome(WAITING, patched=False) == "3 1 2 False"
    assert outcome(WAITING, patched=True) == "3 1 2 True"


def test_moto_fails_at_an_action_that_it_lacks_and_the_patch_says_so_to_the_caller(outcome: Outcome) -> None:
    assert outcome(LACKING, patched=False) == "raised"
    assert outcome(LACKING, patched=True) == "True True"


def test_no_module_of_moto_keeps_its_own_reader_of_paths(outcome: Outcome) -> None:
    assert outcome(PATHS_LEFT, patched=True) == "[]"
