"""Starting the fleet that an endpoint's configuration asks for."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.files import below
from local.sagemaker.capture import Capture
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.records import SERVED, Record
from local.sagemaker.served_container import ServedContainer
from local.sagemaker.serverless import ServerlessFleet

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Fleets:
    """What every fleet of a stack needs.

    `algorithms` has the containers' programs, `work` is for their files, and `logs` for their output. A serverless
    fleet's container ends after `idle_seconds` without a request.
    """

    algorithms: Path
    work: Path
    logs: Path
    s3: "S3Client"
    metrics: Metrics
    idle_seconds: float

    def start(self, endpoint: str, config: Record, model: Record) -> Fleet:
        """Start a fleet for the configuration's variant; raise ProgramNotFound where nothing here can run the model."""
        variant = config["ProductionVariants"][0]
        name, log = variant["VariantName"], below(self.logs, f"endpoint-{endpoint}.log")
        container = ServedContainer(endpoint, model[SERVED], self.algorithms, self.work, log, self.s3)
        capture = Capture(endpoint, name, config.get("DataCaptureConfig"), self.s3)
        if "ServerlessConfig" not in variant:
            return Fleet(endpoint, name, container, capture)
        return ServerlessFleet(
            endpoint,
            name,
            container,
            capture,
            max_concurrency=variant["ServerlessConfig"]["MaxConcurrency"],
            idle_seconds=self.idle_seconds,
            metrics=self.metrics,
        )
