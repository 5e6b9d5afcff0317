"""The policy that docs/deploy.md gives a reviewer allows what the review calls, and nothing else."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from contracts.layout import Prefix
from review.export import export
from review.imports import import_labels
from review.labels import Labels
from review.page.explaining import Explainer, NotExplained
from review.queue import ReviewQueue
from review.session import Session
from tests.conftest import ROOT
from tests.unit.review.samples import Waiting

if TYPE_CHECKING:
    from botocore.model import OperationModel

BLOCK = re.compile(r"<!-- checked by tests/unit/review/test_policy.py -->\n```json\n(.*?)```", re.DOTALL)
# Calls whose permission has another name, or that need a second one.
ACTIONS = {
    "DeleteMessageBatch": {"sqs:DeleteMessage"},
    "ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility"},
    "InvokeEndpoint": {"sagemaker:InvokeEndpoint"},
    # A version is read where the message names one; without ListBucket an absent label would be a refusal.
    "GetObject": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"},
}
# How the verb finds the queues and the bucket.
OF_THE_VERB = {"cloudformation:DescribeStacks"}


def statements() -> list[dict[str, Any]]:
    (block,) = BLOCK.findall((ROOT / "docs/deploy.md").read_text())
    return list(json.loads(block)["Statement"])


def test_a_reviewer_may_do_what_the_review_calls_and_nothing_else(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, tmp_path: Path
) -> None:
    called: set[str] = set()

    def note(model: "OperationModel", **_: Any) -> None:
        service = model.service_model.service_name
        called.update(ACTIONS.get(model.name, {f"{service}:{model.name}"}))

    for number in range(4):
        waiting.send(number)
    runtime = boto3.client("sagemaker-runtime")
    clients = (waiting.sqs, labels.s3, runtime)
    for client in clients:
        client.meta.events.register("before-parameter-build", note)
    try:
        with Session(queue, labels, "ann") as session:
            first, second, *_ = session.upcoming(4)
            with Stubber(runtime) as endpoint:
                endpoint.add_client_error("invoke_endpoint", "AccessDeniedException")
                with pytest.raises(NotExplained):
                    Explainer(labels.s3, runtime).explain(first.image)
            session.decide(first.id, "cat")
            session.skip(second.id)
            session.undo()
            session.decide(first.id, "cat")
            session.progress()
        export(queue, labels, tmp_path / "waiting", 10)
        file = tmp_path / "waiting/labels.csv"
        file.write_text(file.read_text().replace("png,,", "png,dog,"))
        assert import_labels(queue, labels, file, "ann", None).written == 3
    finally:
        for client in clients:
            client.meta.events.unregister("before-parameter-build", note)
        runtime.close()
    allowed = {
        action
        for one in statements()
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert allowed == called | OF_THE_VERB


def test_a_reviewer_writes_labels_alone() -> None:
    (put,) = (one for one in statements() if one["Action"] == "s3:PutObject")
    assert put["Resource"] == f"arn:aws:s3:::BUCKET/{Prefix.LABELS}*"
    assert all(one["Effect"] == "Allow" and one["Resource"] != "*" for one in statements())
