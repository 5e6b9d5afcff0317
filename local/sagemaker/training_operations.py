"""SageMaker's operations on training jobs."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from local.errors import LocalError
from local.sagemaker.errors import SageMakerError
from local.sagemaker.past_jobs import PastJob
from local.sagemaker.quotas import check_quota
from local.sagemaker.records import Operation, Record, Records
from local.sagemaker.request_checks import check_environment, check_role, check_spot

SUMMARY_FIELDS = ("TrainingJobName", "CreationTime", "LastModifiedTime", "TrainingEndTime", "TrainingJobStatus")


class Job(Protocol):
    """A training job of this run of the stack or an earlier one."""

    def describe(self) -> dict[str, Any]:
        """Return the fields of DescribeTrainingJob that aren't the request's."""
        ...

    def stop(self) -> None:
        """Ask the job to end."""
        ...

    def interrupt(self) -> bool:
        """Take a spot job's instance away; return whether there was one to take."""
        ...


class TrainingOperations:
    """Keeps the training jobs and answers the operations on them."""

    def __init__(self, records: Records, role_arn: str, start: Callable[[Record], Job]) -> None:
        """`role_arn` is the only role that can be assumed; `start` starts a job from its record."""
        self._records = records
        self._role_arn = role_arn
        self._start = start
        self._jobs: dict[str, Job] = {}

    def table(self) -> Mapping[str, Operation]:
        """Return the operations by their names in the API."""
        return {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": self._describe,
            "ListTrainingJobs": self._list,
            "StopTrainingJob": self._stop,
        }

    def interrupt(self, job: str) -> None:
        """Take the instance from a spot training job."""
        if job not in self._jobs or not self._jobs[job].interrupt():
            raise SageMakerError("ValidationException", f"{job} is not a spot training job in training.")

    def stop(self) -> None:
        """End every job."""
        for job in self._jobs.values():
            job.stop()

    def snapshot(self) -> Record:
        """Return what each job is beside its record, by its name."""
        return {name: job.describe() for name, job in self._jobs.items()}

    def restore(self, saved: Record) -> None:
        """Have the jobs of a snapshot; those that hadn't ended have failed."""
        self._jobs = {name: PastJob(described) for name, described in saved.items()}

    def _create(self, request: Record) -> Record:
        name = request["TrainingJobName"]
        check_role(request["RoleArn"], self._role_arn)
        check_quota(request["ResourceConfig"].get("InstanceType", ""), "training job")
        check_spot(request)
        check_environment(request.get("Environment", {}))
        record = self._records.create("training-job", name, request)
        try:
            self._jobs[name] = self._start(record)
        except LocalError as error:
            self._records.delete("training-job", name)
            raise SageMakerError("ValidationException", str(error)) from error
        return {"TrainingJobArn": record["Arn"]}

    def _describe(self, request: Record) -> Record:
        name = request["TrainingJobName"]
        if name not in self._jobs:
            raise SageMakerError("ValidationException", "Requested resource not found.")
        record = self._records.find("training-job", name)
        return record | self._jobs[name].describe() | {"TrainingJobArn": record["Arn"]}

    def _stop(self, request: Record) -> Record:
        self._describe(request)
        self._jobs[request["TrainingJobName"]].stop()
        return {}

    def _list(self, request: Record) -> Record:
        def summarise(record: Record) -> Record:
            whole = record | self._jobs[record["TrainingJobName"]].describe()
            found = {field: whole[field] for field in SUMMARY_FIELDS if whole.get(field) is not None}
            return found | {"TrainingJobArn": record["Arn"]}

        return self._records.list("training-job", "TrainingJobSummaries", request, summarise)
