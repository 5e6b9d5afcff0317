"""Train a model with a SageMaker training job: start it, follow it, and record its model."""

import logging
import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import NoRegionError

from contracts.addresses import S3Address
from contracts.dataset import DatasetRecord
from contracts.release import InvalidRelease, Release, parse_release
from training.archives import read_file
from training.errors import ArchiveError, JobError
from training.model import JOB_FILE, MODEL_FILE, Job, Model
from training.sagemaker.aws_errors import with_advice
from training.sagemaker.progress import watch
from training.sagemaker.recipes import Recipe, recipe_of
from training.sagemaker.request import TrainingOptions, training_request

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import CreateTrainingJobRequestTypeDef, DescribeTrainingJobResponseTypeDef

ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/.+")
# What a model of ours says of itself, in its artifact.
DESCRIPTION = "model.json"
DESCRIPTION_BYTES = 1 << 20


def train(
    dataset: DatasetRecord,
    *,
    bucket: str,
    role_arn: str,
    out: Path,
    algorithm: str = "mirror_ridge",
    options: TrainingOptions | None = None,
    quiet: bool = False,
) -> Model:
    """Train a model on the data set in `bucket` and write `<out>/model.json`.

    `<out>/job.json` is written before the job starts, so that `resume` finds it. The artifact comes to
    `models/<job>/output/model.tar.gz`.

    Raises:
        JobError: the job can't be asked for, or ended without a model; it gives the job's own reason.
    """
    job, request = plan(dataset, bucket=bucket, role_arn=role_arn, algorithm=algorithm, options=options)
    return start(job, request, out, quiet=quiet)


def start(job: Job, request: "CreateTrainingJobRequestTypeDef", out: Path, *, quiet: bool = False) -> Model:
    """Start the job that was planned, follow it, and write `<out>/model.json`.

    Raises:
        JobError: the job ended without a model; with its own reason.
    """
    job.write(out / JOB_FILE)
    sagemaker = boto3.client("sagemaker", region_name=job.region)
    sagemaker.create_training_job(**request)
    return _follow(job, sagemaker, out, quiet=quiet)


def resume(out: Path, *, quiet: bool = False) -> Model:
    """Follow the job of `<out>/job.json` again, whether it runs or has ended, and write `<out>/model.json`.

    Raises:
        ModelRecordError: there is no such record.
        JobError: the job ended without a model.
    """
    job = Job.read(out / JOB_FILE)
    return _follow(job, boto3.client("sagemaker", region_name=job.region), out, quiet=quiet)


def plan(
    dataset: DatasetRecord,
    *,
    bucket: str,
    role_arn: str,
    algorithm: str = "mirror_ridge",
    options: TrainingOptions | None = None,
) -> "tuple[Job, CreateTrainingJobRequestTypeDef]":
    """Return the job that `train` would start, and the request that starts it; nothing is asked of AWS.

    Raises:
        JobError: there is no such algorithm, it can't be trained on this data set, or the role's ARN is not valid.
        NoRegionError: no region is set.
    """
    options = options or TrainingOptions()
    recipe = recipe_of(algorithm)
    region = boto3.Session().region_name
    if not region:
        raise NoRegionError
    role = ROLE.fullmatch(role_arn)
    if role is None:
        raise JobError(f"{role_arn!r} is not the ARN of a role; give that of the role that SageMaker assumes.")
    job = Job(
        training_job=f"{recipe.name.replace('_', '-')}-{dataset.name.replace('_', '-')[:24]}-{time.time_ns() // 10**6}",
        algorithm=recipe.name,
        image=image_of(recipe, region, role[1]),
        region=region,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        labels=dataset.classes,
        max_side=recipe.image_size or dataset.max_side,
        exact=dataset.exact,
    )
    return job, training_request(job, recipe, dataset, bucket, role_arn, options)


def image_of(recipe: Recipe, region: str, account: str) -> str:
    """Return the URI of the container: SageMaker's own, or what `build-image` pushes to the account's registry."""
    if recipe.built_in:
        # Takes seconds to import.
        from sagemaker.core import image_uris

        # It logs every place where it found no settings.
        logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
        return str(image_uris.retrieve(recipe.image, region))
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}/{recipe.image}:latest"


def _follow(job: Job, sagemaker: "SageMakerClient", out: Path, *, quiet: bool) -> Model:
    try:
        ended = watch(job.training_job, sagemaker, quiet=quiet)
    except KeyboardInterrupt as interrupt:
        raise JobError(
            f"The training job {job.training_job} keeps running; `workflow train --resume` waits for it."
        ) from interrupt
    status = ended["TrainingJobStatus"]
    if status != "Completed":
        raise JobError(f"The training job {job.training_job} ended as {status}: {with_advice(_reason(ended))}")
    artifact = ended["ModelArtifacts"]["S3ModelArtifacts"]
    model = Model(
        **asdict(job) | {"labels": job.labels},
        artifact=artifact,
        metrics={item["MetricName"]: float(item["Value"]) for item in ended.get("FinalMetricDataList", ())},
        billable_seconds=ended.get("BillableTimeInSeconds", 0),
        release=_release(S3Address.parse(artifact)),
    )
    model.write(out / MODEL_FILE)
    return model


def _release(artifact: S3Address) -> Release | None:
    """Read what the model in the artifact says of itself; None where it says nothing."""
    try:
        described = read_file(artifact, DESCRIPTION, DESCRIPTION_BYTES)
        return parse_release(described) if described is not None else None
    except (ArchiveError, InvalidRelease) as error:
        raise JobError(
            f"The training job ended well, but its model can't be used: {str(error).removesuffix('.')}."
        ) from error


def _reason(ended: "DescribeTrainingJobResponseTypeDef") -> str:
    if reason := ended.get("FailureReason"):
        return reason
    state = ended["SecondaryStatus"]
    if state in {"MaxRuntimeExceeded", "MaxWaitTimeExceeded"}:
        return f"{state}; give it more time."
    return f"its last state was {state}."
