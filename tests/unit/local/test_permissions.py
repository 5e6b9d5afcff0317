"""A state machine whose role lacks a permission can't be deployed: the template, with parts of its roles taken out."""

import re
import shutil
from pathlib import Path

import pytest

from local.permissions import PermissionMissing, check_role
from local.stack import BUCKET, REGION, ROOT
from local.template import ACCOUNT_ID, StateMachineSpec, Template


def attribute(name: str, what: str) -> str:
    kind = {"Ref": f"http://127.0.0.1/{ACCOUNT_ID}/{name}", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"}
    return kind.get(what, name)


def machines(folder: Path, old: str = "", new: str = "") -> list[StateMachineSpec]:
    """Return the template's state machines, with each piece of text that *old* matches replaced."""
    text = (ROOT / "template.yaml").read_text()
    changed = re.sub(old, new, text) if old else text
    assert (changed != text) == bool(old)
    (folder / "template.yaml").write_text(changed)
    shutil.copytree(ROOT / "statemachine", folder / "statemachine")
    return Template(folder / "template.yaml", {"DataBucketName": BUCKET}, REGION, attribute).state_machines()


def check_all(machines: list[StateMachineSpec]) -> None:
    for machine in machines:
        check_role(machine, REGION)


def test_the_roles_of_the_template_allow_what_its_state_machines_do(tmp_path: Path) -> None:
    check_all(machines(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        (r"Action: lambda:InvokeFunction\n", "Action: lambda:GetFunction\n", "lambda:InvokeFunction on .*:Serialize"),
        (
            r"!Ref SerializeFunction.Alias, !Ref ClassifyFunction.Alias,",
            "",
            "lambda:InvokeFunction on .*Serialize.*:live",
        ),
        (
            r"Resource: !GetAtt ReviewQueue.Arn",
            "Resource: !GetAtt UploadDeadLetters.Arn",
            "sqs:SendMessage on .*:ReviewQueue",
        ),
        (
            r"Action: states:StartSyncExecution",
            "Action: states:StartExecution",
            "states:StartSyncExecution on .*Express",
        ),
        (
            r"stateMachine:\$\{AWS::StackName\}-classify-batch",
            "stateMachine:other",
            "states:StartExecution on .*-batch",
        ),
        (
            r"execution:\$\{AWS::StackName\}-classify-batch:\*",
            "execution:x",
            "states:DescribeExecution on .*-batch:child",
        ),
        (
            r", states:RedriveExecution",
            "",
            "states:RedriveExecution on .*:execution:image-classification-classify-batch:",
        ),
        (r"\$\{DataBucketName\}/batches/\*", "other/*", f"s3:GetObject on arn:aws:s3:::{BUCKET}/"),
        (r", s3:AbortMultipartUpload", "", "s3:AbortMultipartUpload on"),
        (r"schedule/default/expire-", "schedule/other/expire-", r"scheduler:GetSchedule on .*:schedule/default/\*"),
        (r", scheduler:DeleteSchedule", "", "scheduler:DeleteSchedule on"),
        (r"Action: states:ListExecutions", "Action: states:ListMapRuns", "states:ListExecutions on .*-classify-batch"),
        (r"Action: sagemaker:DeleteEndpoint", "Action: sagemaker:StopEndpoint", r"DeleteEndpoint on .*:endpoint/\*"),
    ],
)
def test_a_missing_permission_is_named(old: str, new: str, missing: str, tmp_path: Path) -> None:
    changed = machines(tmp_path, old, new)
    with pytest.raises(PermissionMissing, match=missing):
        check_all(changed)
