"""The request that starts a training job, in AWS's own spelling."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from contracts.addresses import S3Address
from contracts.dataset import DatasetRecord
from contracts.layout import Prefix
from training.errors import JobError
from training.model import Job
from training.sagemaker.recipes import Features, Recipe, hyperparameters

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import (
        AlgorithmSpecificationTypeDef,
        ChannelTypeDef,
        CreateTrainingJobRequestTypeDef,
    )

LONGEST_RUN = 28 * 24 * 3600
# Their volumes are local NVMe disks, encrypted by the hardware, for which SageMaker takes no key.
LOCAL_DISK_FAMILIES = re.compile(r"ml\.(g4dn|g5|g6|p4d|p4de|p5|c5d|m5d|r5d)\.")


@dataclass(frozen=True)
class TrainingOptions:
    """What a user may choose about a job.

    `max_run` is in seconds; a spot job may wait as long again for capacity. `volume` is in GB. `kms_key_id` encrypts
    the model and, where the instance admits it, the volume. `features` and `max_error`, the
    error among accepted images that the model's threshold keeps, are by default the algorithm's.
    """

    instance_type: str | None = None
    spot: bool = False
    max_run: int = 3600
    volume: int = 30
    seed: int = 0
    features: Features | None = None
    max_error: float | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        if not 1 <= self.max_run <= LONGEST_RUN:
            raise JobError(f"A training job runs 1 to {LONGEST_RUN} seconds, not {self.max_run}.")
        if not 1 <= self.volume <= 16384:
            raise JobError(f"A training job's volume has 1 to 16384 GB, not {self.volume}.")
        if self.max_error is not None and not 0 < self.max_error <= 0.5:
            raise JobError(f"The error among accepted images must be above 0 and at most 0.5, not {self.max_error}.")

    @property
    def chosen(self) -> dict[str, str]:
        """The hyperparameters of the repository's own algorithm that were chosen by options."""
        options = {"features": self.features, "max_error": self.max_error}
        return {name: str(value) for name, value in options.items() if value is not None}


def training_request(
    job: Job, recipe: Recipe, dataset: DatasetRecord, bucket: str, role_arn: str, options: TrainingOptions
) -> "CreateTrainingJobRequestTypeDef":
    """Return what CreateTrainingJob takes.

    Raises:
        JobError: the recipe can't be trained on this data set.
    """
    recipe.check_fits(dataset)
    # SageMaker itself checks the instance type.
    instance = cast("TrainingInstanceTypeType", options.instance_type or recipe.instance_type)
    specification: AlgorithmSpecificationTypeDef = {"TrainingImage": job.image, "TrainingInputMode": "File"}
    if recipe.metrics:
        specification["MetricDefinitions"] = [{"Name": name, "Regex": regex} for name, regex in recipe.metrics.items()]
    request: CreateTrainingJobRequestTypeDef = {
        "TrainingJobName": job.training_job,
        "RoleArn": role_arn,
        "AlgorithmSpecification": specification,
        "HyperParameters": {
            **hyperparameters(recipe, dataset, options.seed, options.chosen),
            **options.hyperparameters,
        },
        "InputDataConfig": _channels(dataset, bucket),
        "OutputDataConfig": {"S3OutputPath": str(S3Address(bucket, Prefix.MODELS.rstrip("/")))},
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": options.volume},
        "StoppingCondition": {"MaxRuntimeInSeconds": options.max_run},
        # The built-in algorithm fetches its pretrained network; ours needs nothing from outside.
        "EnableNetworkIsolation": not recipe.built_in,
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in {
                "algorithm": job.algorithm,
                "dataset": job.dataset,
                "dataset-sha256": job.dataset_sha256,
                **options.tags,
            }.items()
        ],
    }
    if options.kms_key_id:
        request["OutputDataConfig"]["KmsKeyId"] = options.kms_key_id
        if not LOCAL_DISK_FAMILIES.match(instance):
            request["ResourceConfig"]["VolumeKmsKeyId"] = options.kms_key_id
    if options.spot:
        request["EnableManagedSpotTraining"] = True
        request["CheckpointConfig"] = {"S3Uri": str(S3Address(bucket, f"{Prefix.CHECKPOINTS}{job.training_job}"))}
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 2 * options.max_run
    return request


def _channels(dataset: DatasetRecord, bucket: str) -> "list[ChannelTypeDef]":
    root = S3Address(bucket, dataset.folder)
    places = {
        "train": f"{root}/train/",
        "validation": f"{root}/test/",
        "train_lst": f"{root}/train.lst",
        "validation_lst": f"{root}/test.lst",
    }
    return [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
            },
            "ContentType": "application/x-image",
            "CompressionType": "None",
        }
        for name, uri in places.items()
    ]
