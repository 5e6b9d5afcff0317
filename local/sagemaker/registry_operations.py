"""SageMaker's operations on the model registry: groups of model packages, and the versions in them.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
"""

from collections.abc import Mapping

from local.sagemaker.errors import SageMakerError
from local.sagemaker.pages import page
from local.sagemaker.records import Operation, Record, Records

GROUP, PACKAGE = "model-package-group", "model-package"
KINDS = (GROUP, PACKAGE)
APPROVED, PENDING = "Approved", "PendingManualApproval"
# Packages are checked by nobody here, so that each is complete at once.
COMPLETED = "Completed"
UPDATED_FIELDS = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri")
SUMMARY_FIELDS = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageDescription",
    "CreationTime",
    "ModelApprovalStatus",
)


class RegistryOperations:
    """Answers the operations on model package groups and model packages, which are records and nothing more."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def table(self) -> Mapping[str, Operation]:
        """Return the operations by their names in the API."""
        return {
            "CreateModelPackageGroup": self._create_group,
            "DescribeModelPackageGroup": self._describe_group,
            "DeleteModelPackageGroup": self._delete_group,
            "ListModelPackageGroups": self._list_groups,
            "CreateModelPackage": self._create,
            "DescribeModelPackage": self._describe,
            "UpdateModelPackage": self._update,
            "DeleteModelPackage": self._delete,
            "ListModelPackages": self._list,
        }

    def _create_group(self, request: Record) -> Record:
        record = self._records.create(GROUP, request["ModelPackageGroupName"], request)
        # Numbers of deleted versions aren't given again.
        record["LastVersion"] = 0
        return {"ModelPackageGroupArn": record["Arn"]}

    def _describe_group(self, request: Record) -> Record:
        record = self._group(request["ModelPackageGroupName"])
        more = {"ModelPackageGroupArn": record["Arn"], "ModelPackageGroupStatus": COMPLETED, "CreatedBy": {}}
        return record | more

    def _delete_group(self, request: Record) -> Record:
        name = self._group(request["ModelPackageGroupName"])["ModelPackageGroupName"]
        if any(record.get("ModelPackageGroupName") == name for record in self._records.all(PACKAGE)):
            message = f"The model package group {name} can't be deleted: it still contains model packages."
            raise SageMakerError("ConflictException", message)
        return self._records.delete(GROUP, name)

    def _list_groups(self, request: Record) -> Record:
        shown = ("ModelPackageGroupName", "ModelPackageGroupDescription", "CreationTime")
        found = [
            _shown(record, shown) | {"ModelPackageGroupArn": record["Arn"], "ModelPackageGroupStatus": COMPLETED}
            for record in self._records.all(GROUP)
        ]
        return page("ModelPackageGroupSummaryList", found, request, lambda one: (one["ModelPackageGroupName"],))

    def _create(self, request: Record) -> Record:
        group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if bool(group) == bool(name):
            message = "Specify one of either ModelPackageName or ModelPackageGroupName."
            raise SageMakerError("ValidationException", message)
        if not group:
            return {"ModelPackageArn": self._records.create(PACKAGE, str(name), request)["Arn"]}
        if "Tags" in request:
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html, Tags
            message = "A model package in a group has the tags of the group; leave Tags out."
            raise SageMakerError("ValidationException", message)
        owner = self._group(group)
        number = owner["LastVersion"] + 1
        version = {"ModelPackageGroupName": owner["ModelPackageGroupName"], "ModelPackageVersion": number}
        content = {"ModelApprovalStatus": PENDING} | request | version
        record = self._records.create(PACKAGE, f"{owner['ModelPackageGroupName']}/{number}", content)
        owner["LastVersion"] = number
        return {"ModelPackageArn": record["Arn"]}

    def _describe(self, request: Record) -> Record:
        record = find_package(self._records, request["ModelPackageName"])
        more = {"ModelPackageStatus": COMPLETED, "ModelPackageStatusDetails": {"ValidationStatuses": []}}
        return record | more | {"ModelPackageArn": record["Arn"]}

    def _update(self, request: Record) -> Record:
        record = find_package(self._records, request["ModelPackageArn"])
        if "ModelPackageVersion" not in record:
            raise SageMakerError("ValidationException", "A model package that is in no group can't be updated.")
        record.update({field: request[field] for field in UPDATED_FIELDS if field in request})
        metadata = record.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
        removed = request.get("CustomerMetadataPropertiesToRemove", ())
        record["CustomerMetadataProperties"] = {key: metadata[key] for key in metadata if key not in removed}
        self._records.touch(record)
        return {"ModelPackageArn": record["Arn"]}

    def _delete(self, request: Record) -> Record:
        record = find_package(self._records, request["ModelPackageName"])
        return self._records.delete(PACKAGE, name_in(record["Arn"]))

    def _list(self, request: Record) -> Record:
        group, status = request.get("ModelPackageGroupName"), request.get("ModelApprovalStatus")
        kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
        found = [
            _shown(record, SUMMARY_FIELDS) | {"ModelPackageArn": record["Arn"], "ModelPackageStatus": COMPLETED}
            for record in self._records.all(PACKAGE)
            if kind in {"Both", "Versioned" if "ModelPackageVersion" in record else "Unversioned"}
            and (group is None or record.get("ModelPackageGroupName") == name_in(group))
            and (status is None or record.get("ModelApprovalStatus") == status)
        ]
        return page("ModelPackageSummaryList", found, request, _name_and_version)

    def _group(self, name: str) -> Record:
        """Return a group by its name or ARN."""
        record = self._records.get(GROUP, name_in(name))
        if record is None:
            message = f"ModelPackageGroup {self._records.arn(GROUP, name_in(name))} does not exist."
            raise SageMakerError("ValidationException", message)
        return record


def find_package(records: Records, name: str) -> Record:
    """Return a model package by its ARN, its name or `group/version`; raise SageMakerError where there is none."""
    record = records.get(PACKAGE, name_in(name))
    if record is None:
        message = f"ModelPackage {records.arn(PACKAGE, name_in(name))} does not exist."
        raise SageMakerError("ValidationException", message)
    return record


def deployable(records: Records, name: str) -> Record:
    """Return the container of a model package, as CreateModel needs it; raise SageMakerError where it isn't approved.

    Source: ModelApprovalStatus in
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
    """
    package = find_package(records, name)
    if package.get("ModelApprovalStatus", APPROVED) != APPROVED:
        message = f"The approval status of {package['Arn']} is {package['ModelApprovalStatus']}; it must be {APPROVED}."
        raise SageMakerError("ValidationException", message)
    container: Record = package.get("InferenceSpecification", {}).get("Containers", [{}])[0]
    return container


def name_in(name_or_arn: str) -> str:
    """Return the name, with its version where there is one, in an ARN or a name."""
    return name_or_arn.split("/", 1)[1] if name_or_arn.startswith("arn:") else name_or_arn


def _shown(record: Record, fields: tuple[str, ...]) -> Record:
    return {field: record[field] for field in fields if field in record}


def _name_and_version(package: Record) -> tuple[str, int]:
    return package.get("ModelPackageGroupName") or package["ModelPackageName"], package.get("ModelPackageVersion", 0)
