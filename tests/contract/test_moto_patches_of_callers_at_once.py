"""The patches for callers at once: one of them gets a message, and one of them writes an object first."""

import pytest

from tests.contract.conftest import Outcome
from tests.waiting import LONGEST_SECONDS

# Between two steps of moto's, the first caller waits until the second is there too, or for some seconds where a patch
# should keep that one out.
MEET = """
    import threading
    meeting, over = threading.Barrier(2), threading.Event()
    def meet():
        if over.is_set():
            return
        try:
            meeting.wait({seconds})
        except threading.BrokenBarrierError:
            pass
        over.set()
"""
RECEIVE = """
    import boto3
    from moto import mock_aws
    from moto.sqs.models import Message
    mock_aws().start()
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="it")
    mark = Message.mark_received
    def mark_late(*given, **named):
        meet()
        mark(*given, **named)
    Message.mark_received = mark_late
    received = []
    def receive():
        received.extend(sqs.receive_message(QueueUrl=url).get("Messages", []))
    threads = [threading.Thread(target=receive) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print(len(received))
"""
WAIT = """
    import threading
    import boto3
    from moto import mock_aws
    mock_aws().start()
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    threading.Timer(0.3, lambda: sqs.send_message(QueueUrl=url, MessageBody="it")).start()
    print(len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages", [])))
"""
KEEP = """
    import boto3
    from moto import mock_aws
    from moto.sqs.models import sqs_backends
    mock_aws().start()
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="queue")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="it")
    (message,) = sqs_backends["123456789012"]["us-east-1"].queues["queue"]._messages
    message.sent_timestamp -= 13 * 3600 * 1000
    (received,) = sqs.receive_message(QueueUrl=url)["Messages"]
    def change(seconds):
        entry = {"Id": "0", "ReceiptHandle": received["ReceiptHandle"], "VisibilityTimeout": seconds}
        try:
            answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[entry])
        except sqs.exceptions.ClientError:
            return "refused"
        return "kept" if answer.get("Successful") else "failed"
    ends = [change(43000), change(0)]
    (received,) = sqs.receive_message(QueueUrl=url).get("Messages", [received])
    message.received_at = getattr(message, "received_at", 0) - 3600 * 1000
    print(*ends, change(43200), change(11 * 3600 - 60))
"""
WRITE = """
    import boto3
    from moto import mock_aws
    from moto.s3.models import S3Backend
    mock_aws().start()
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")
    put, one_at_a_time = S3Backend.put_object, threading.Lock()
    def put_late(*given, **named):
        meet()
        # Moto itself may fail where two write at the same moment: it reads what it wrote for its checksum, once.
        with one_at_a_time:
            key = put(*given, **named)
            key.etag
            return key
    S3Backend.put_object = put_late
    ends = []
    def write(**condition):
        try:
            s3.put_object(Bucket="bucket", Key="key", Body=b"it", **condition)
            ends.append("written")
        except s3.exceptions.ClientError as error:
            ends.append(error.response["Error"]["Code"])
    threads = [threading.Thread(target=write, kwargs={"IfNoneMatch": "*"}) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    write()
    print(*sorted(ends))
"""


@pytest.mark.parametrize(
    ("source", "without", "with_patches"),
    [
        (RECEIVE, "2", "1"),
        (KEEP, "refused refused refused refused", "kept kept failed kept"),
        (WRITE, "written written written", "PreconditionFailed written written"),
    ],
    ids=["receive", "keep", "write"],
)
def test_moto_is_wrong_without_the_patch_and_right_with_it(
    outcome: Outcome, source: str, without: str, with_patches: str
) -> None:
    assert outcome(MEET.format(seconds=LONGEST_SECONDS) + source, patched=False) == without
    assert outcome(MEET.format(seconds=1) + source, patched=True) == with_patches


def test_a_caller_who_waits_gets_what_comes_meanwhile(outcome: Outcome) -> None:
    assert outcome(WAIT, patched=True) == "1"
