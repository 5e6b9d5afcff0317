"""The requests that put a model into SageMaker's model registry, and the statistics that it points to.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.addresses import S3Address
from contracts.judged import Judged
from training.errors import RegistryError
from training.model import MODEL_FILE, Model, beside

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import CreateModelPackageInputTypeDef

GROUP_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
VERSION_NAME = re.compile(
    rf"(arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{{12}}:model-package/)?{GROUP_NAME.pattern}/\d{{1,9}}"
)
STATISTICS_FILE = "statistics.json"
CONTENT_TYPES = ("application/x-image", "image/png", "image/jpeg")
# The key under which a package's metadata lead to the model's whole record.
RECORD_KEY = "record"


def group_of(dataset: str) -> str:
    """Return the name of the group that models of a data set are registered in by default."""
    return dataset.replace("_", "-").strip("-")


def check_group(group: str) -> str:
    """Return the name of a group; RegistryError where it can't be one."""
    if not GROUP_NAME.fullmatch(group):
        raise RegistryError(
            f"{group!r} can't name a model package group: use letters, digits and single -, 63 at most."
        )
    return group


def statistics_of(model: Model) -> S3Address:
    """Return where the model's figures on the test images are."""
    return beside(S3Address.parse(model.artifact), STATISTICS_FILE)


def record_of(model: Model) -> S3Address:
    """Return where the record of a registered model is."""
    return beside(S3Address.parse(model.artifact), MODEL_FILE)


def package_request(model: Model, group: str, judged: Sequence[Judged]) -> "CreateModelPackageInputTypeDef":
    """Return what CreateModelPackage takes; `judged` is what the model answered of the test images, none if unknown."""
    request: CreateModelPackageInputTypeDef = {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": f"Trained by {model.training_job} on the data set {model.dataset}.",
        "InferenceSpecification": {
            "Containers": [{"Image": model.image, "ModelDataUrl": model.artifact}],
            "SupportedContentTypes": [*CONTENT_TYPES],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": _metadata(model, judged),
    }
    if judged:
        source = {"ContentType": "application/json", "S3Uri": str(statistics_of(model))}
        request["ModelMetrics"] = {"ModelQuality": {"Statistics": source}}  # type: ignore[typeddict-item]  # mypy widens it
    return request


def statistics(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the figures of a model on its test images, in the shape that SageMaker's console shows."""
    pairs = Counter((one.truth, one.answer.label) for one in judged)
    labels = judged[0].answer.labels
    accepted = [one for one in judged if one.accepted]
    values = {
        "accuracy": sum(one.right for one in judged) / len(judged),
        "coverage": len(accepted) / len(judged),
        "accepted_accuracy": sum(one.right for one in accepted) / len(accepted) if accepted else None,
    }
    shown = {name: {"value": value, "standard_deviation": "NaN"} for name, value in values.items() if value is not None}
    matrix = {truth: {label: pairs[truth, label] for label in labels} for truth in labels}
    return {"multiclass_classification_metrics": {"confusion_matrix": matrix, **shown}}


def _metadata(model: Model, judged: Sequence[Judged]) -> Mapping[str, str]:
    """Return what the registry shows of the model: at most 50 pairs, with values of 1 to 256 characters."""
    found = {
        RECORD_KEY: str(record_of(model)),
        "algorithm": model.algorithm,
        "dataset": model.dataset,
        "dataset-sha256": model.dataset_sha256,
        "training-job": model.training_job,
    }
    if model.release:
        threshold = model.release.threshold.value
        found |= {"release": model.release.release, "features": model.release.features}
        found["threshold"] = "accepts nothing" if threshold is None else f"{threshold:g}"
    if judged:
        figures = statistics(judged)["multiclass_classification_metrics"]
        found["test-images"] = str(len(judged))
        found |= {f"test-{name}": f"{figures[name]['value']:.4f}" for name in ("accuracy", "coverage")}
    return found
