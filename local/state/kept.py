"""A stack's state from one run to the next: what it begins with, and what is saved of it while it runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from local.app_stack import AppStack
from local.sagemaker.control_plane import SageMaker
from local.stack import REGION, new_credentials
from local.state.executions import Executions
from local.state.folder import StateFolder, opened
from local.state.keeper import OBJECTS, Keeper
from local.state.metrics import MetricValues
from local.state.objects import Objects
from local.state.queues import Queues
from local.state.scaling import ScalingRules
from local.state.schedules import Schedules
from local.template import ACCOUNT_ID

# The parts of `state.json`, beside the objects.
CREDENTIALS, PORT, PARAMETERS = "credentials", "port", "parameters"
SCHEDULES, QUEUES, EXECUTIONS = "schedules", "queues", "executions"
METRICS, SAGEMAKER, SCALING = "metrics", "sagemaker", "scaling"


@contextmanager
def kept(path: str) -> Iterator["Kept"]:
    """The state in a folder, locked; with no folder's name a state that begins empty and isn't saved.

    Raises UnusableState where the folder's content can't be used, and FolderInUse where another stack uses it.
    """
    if not path:
        yield Kept(None)
        return
    with opened(Path(path)) as folder:
        yield Kept(folder)


class Kept:
    """What the last run left."""

    def __init__(self, folder: StateFolder | None) -> None:
        self._folder = folder
        self._saved: Mapping[str, Any] = folder.read() if folder else {}
        self._keeper: Keeper | None = None
        self._schedules = Schedules(scheduler_backends[ACCOUNT_ID][REGION])
        self._queues = Queues(sqs_backends[ACCOUNT_ID][REGION])
        self._executions = Executions(stepfunctions_parser_backends[ACCOUNT_ID][REGION])
        self._metrics = MetricValues(cloudwatch_backends[ACCOUNT_ID][REGION])
        self._scaling = ScalingRules(applicationautoscaling_backends[ACCOUNT_ID][REGION])
        self._objects = Objects(s3_backends[ACCOUNT_ID]["aws"], folder) if folder else None

    def port(self, asked: int | None) -> int:
        """Return the port to listen on: the one asked for, or that of the last run; 0 is any."""
        if asked is not None:
            return asked
        with self._readable():
            return int(self._saved.get(PORT, 0))

    def credentials(self) -> dict[str, str]:
        """Return the access key of the last run, or a new one, as the variables that SDKs read."""
        with self._readable():
            saved = {str(name): str(value) for name, value in self._saved.get(CREDENTIALS, {}).items()}
        return new_credentials() | saved

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the app stack that aren't the template's defaults."""
        with self._readable():
            return {str(name): str(value) for name, value in self._saved.get(PARAMETERS, {}).items()}

    def restore(self, sagemaker: SageMaker) -> None:
        """Give the services what they had; the bucket must be there, and nothing in it."""
        if self._folder is None or self._objects is None or not self._saved:
            return
        with self._readable():
            self._objects.restore(self._saved[OBJECTS])
            self._queues.restore(self._saved[QUEUES])
            self._metrics.restore(self._saved[METRICS])
            self._scaling.restore(self._saved[SCALING])
            sagemaker.restore(self._saved[SAGEMAKER])
        self._folder.forget_unnamed_objects()

    def start(self, sagemaker: SageMaker, app_stack: AppStack, port: int, environment: Mapping[str, str]) -> None:
        """Begin to save, once the app stack is deployed; `environment` are the variables that lead to the stack."""
        with self._readable():
            self._executions.restore(self._saved.get(EXECUTIONS, {}))
            self._schedules.restore(self._saved.get(SCHEDULES, []))
        if self._folder is None or self._objects is None:
            return
        credentials = {name: environment[name] for name in new_credentials()}
        parts = {
            PARAMETERS: app_stack.chosen_parameters,
            SCHEDULES: self._schedules.snapshot,
            QUEUES: self._queues.snapshot,
            EXECUTIONS: self._executions.snapshot,
            METRICS: self._metrics.snapshot,
            SCALING: self._scaling.snapshot,
            SAGEMAKER: sagemaker.snapshot,
            OBJECTS: self._objects.snapshot,
        }
        self._keeper = Keeper(self._folder, {CREDENTIALS: credentials, PORT: port}, parts)
        self._keeper.start()
        self._folder.write_activate(environment)

    def stop(self) -> None:
        """Save for the last time, where saving has begun."""
        if self._keeper:
            self._keeper.stop()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Report whatever in the state isn't as it was written."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if self._folder is None:
                raise
            raise self._folder.damaged(f"it can't be read: {error!r}") from error
