"""The data stack of training/template.yaml on this machine: its bucket, its role, and the container images."""

import json
from pathlib import Path
from typing import Any

import boto3

from local.stack import BUCKET, REGION, ROLE_ARN, ROOT
from local.template import Template

ROLE = "SageMakerRole"
DATA_BUCKET = "DataBucket"


def deploy() -> Template:
    """Create the bucket and the role as the template defines them, and return the template."""
    template = Template(ROOT / "training/template.yaml", {"DataBucketName": BUCKET}, REGION, _attribute)
    _make_bucket(template.resources("AWS::S3::Bucket")[DATA_BUCKET])
    _make_role(template.resolve(template.resources("AWS::IAM::Role")[ROLE]))
    return template


def list_images(algorithms: Path) -> None:
    """Create a repository in ECR for each container image whose program is in `algorithms`."""
    ecr: Any = boto3.client("ecr")  # boto3-stubs is installed without its types
    for program in sorted(path.parent.name for path in algorithms.glob("*/train.py")):
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "", "size": 0},
            "layers": [],
            "annotations": {"org.opencontainers.image.title": program},
        }
        ecr.create_repository(repositoryName=program)
        ecr.put_image(repositoryName=program, imageTag="latest", imageManifest=json.dumps(manifest))


def _attribute(name: str, attribute: str) -> str | None:
    known = {
        (DATA_BUCKET, "Ref"): BUCKET,
        (DATA_BUCKET, "Arn"): f"arn:aws:s3:::{BUCKET}",
        (ROLE, "Arn"): ROLE_ARN,
    }
    return known.get((name, attribute))


def _make_bucket(properties: dict[str, Any]) -> None:
    s3: Any = boto3.client("s3")  # the template's values have no types
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=properties["VersioningConfiguration"])
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"]
    )
    # CloudFormation's names differ from the API's.
    rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    encryption = [{"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]} for rule in rules]
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": encryption})
    if properties["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"]:
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )


def _make_role(properties: dict[str, Any]) -> None:
    iam: Any = boto3.client("iam")  # boto3-stubs is installed without its types
    name = ROLE_ARN.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]))
    for policy in properties["Policies"]:
        iam.put_role_policy(
            RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"])
        )
