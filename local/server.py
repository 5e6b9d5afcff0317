"""The local stack's own process: `python -m local.server OPTIONS`, ended by the end of its standard input."""

import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from moto.core.config import default_user_config

from local import data_stack, sam, stack_outputs
from local.errors import LocalError
from local.gateway import Front
from local.lambdas import Function
from local.moto_patches import patches as mends
from local.permissions import check_role
from local.sagemaker.alarms import Alarms
from local.sagemaker.control_plane import SageMaker
from local.sagemaker.fleet import Fleet
from local.sagemaker.metrics import Metrics
from local.sagemaker.training_jobs import LOG_GROUP, TrainingJob
from local.stack import BUCKET, CREDENTIALS, REGION, ROLE_ARN, ROOT, Options
from local.template import ACCOUNT_ID, STACK_NAME, FunctionSpec, StateMachineSpec, Template
from training.sagemaker.stacks import Stacks


class DefinitionRefused(LocalError):
    """Step Functions refuses a state machine's definition."""


class Stack:
    """All services in this process; moto and the SDKs read the process's environment, so there is one at a time."""

    def __init__(self, options: Options) -> None:
        """Bind the address and start to answer; the app stack comes with `deploy`."""
        os.environ.update(CREDENTIALS)
        os.environ.pop("AWS_PROFILE", None)
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        self._options = options
        self._logs = Path(options.logs)
        self._logs.mkdir(parents=True, exist_ok=True)
        self._work = tempfile.TemporaryDirectory(prefix="workflow-local-")
        self._front = Front(REGION, self.deploy)
        mends.apply(self._front)
        self._versions: dict[str, tuple[FunctionSpec, int]] = {}
        self._server = self._front.serve(options.port)
        os.environ["MOTO_PORT"] = str(self._server.port)
        os.environ["AWS_ENDPOINT_URL"] = self.url
        self._servers = [self._server]
        if bind := sam.address_to_bind(options.container_address):
            self._servers.append(self._front.serve(self._server.port, bind))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        stack_outputs.publish(Stacks(STACK_NAME).data_name, data_stack.deploy().outputs())
        data_stack.list_images(Path(options.algorithms))
        self._start_sagemaker()
        self.deploy(options.parameters or {})

    @property
    def url(self) -> str:
        """The stack's address."""
        return f"http://127.0.0.1:{self._server.port}"

    def environment(self) -> dict[str, str]:
        """Return the variables under which every verb and SDK uses this stack."""
        return CREDENTIALS | {
            "AWS_ENDPOINT_URL": self.url,
            "WORKFLOW_BUCKET": BUCKET,
            "WORKFLOW_ROLE_ARN": ROLE_ARN,
            "WORKFLOW_FAILED_EXECUTIONS_QUEUE_URL": self._outputs["FailedExecutionsQueueUrl"],
            "WORKFLOW_STATE_MACHINE_ARN": self._outputs["StateMachineArn"],
            "WORKFLOW_BATCH_STATE_MACHINE_ARN": self._outputs["BatchStateMachineArn"],
        }

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Put the app stack of template.yaml in place, or anew with other parameters."""
        queues = boto3.client("sqs")

        def attribute(name: str, what: str) -> str | None:
            if name in template.resources("AWS::IAM::Role"):
                return ROLE_ARN
            if name not in template.resources("AWS::SQS::Queue"):
                return None
            url, arn = f"{self.url}/{ACCOUNT_ID}/{name}", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
            return {"Ref": url, "Arn": arn, "QueueName": name}.get(what)

        template = Template(ROOT / "template.yaml", {"DataBucketName": BUCKET} | dict(parameters), REGION, attribute)
        for name in template.resources("AWS::SQS::Queue"):
            queues.create_queue(QueueName=name)
        self._deploy_functions(template.functions())
        deploy_state_machines(template.state_machines())
        self._deploy_rules(template.rules())
        self._deploy_alarms(template.endpoint_alarms())
        self._outputs = template.outputs()
        stack_outputs.publish(STACK_NAME, self._outputs)

    def _deploy_functions(self, specs: list[FunctionSpec]) -> None:
        environment = CREDENTIALS | {"AWS_ENDPOINT_URL": self.url}
        old, new = self._front.functions, {}
        for spec in specs:
            # What neither the template nor the code has changed keeps its workers.
            version = (spec, max(path.stat().st_mtime_ns for path in spec.code.rglob("*.py")))
            if spec.name in old and self._versions[spec.name] == version:
                new[spec.name] = old[spec.name]
            else:
                new[spec.name] = Function(spec, REGION, environment, self._logs, self._options.concurrency)
            self._versions[spec.name] = version
        self._front.functions = new
        for name, function in old.items():
            if new.get(name) is not function:
                function.stop()

    def _deploy_alarms(self, alarms: Mapping[str, Mapping[str, Any]]) -> None:
        cloudwatch = boto3.client("cloudwatch")
        for name, properties in alarms.items():
            cloudwatch.put_metric_alarm(AlarmName=f"{STACK_NAME}-{name}", **properties)

    def _deploy_rules(self, rules: Mapping[str, Mapping[str, Any]]) -> None:
        events = boto3.client("events")
        for name, properties in rules.items():
            events.put_rule(Name=name, EventPattern=json.dumps(properties["EventPattern"]))
            events.put_targets(Rule=name, Targets=properties["Targets"])

    def stop(self) -> None:
        """End every process, then the server, and leave nothing behind but the logs."""
        for function in self._front.functions.values():
            function.stop()
        self._front.sagemaker.stop()
        self._alarms.stop()
        self._metrics.stop()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._work.cleanup()

    def _start_sagemaker(self) -> None:
        algorithms, work, s3, logs = (
            Path(self._options.algorithms),
            Path(self._work.name),
            boto3.client("s3"),
            boto3.client("logs"),
        )
        logs.create_log_group(logGroupName=LOG_GROUP)

        def start_job(record: dict[str, Any]) -> TrainingJob:
            return TrainingJob(record, algorithms, work, s3, logs)

        def start_fleet(name: str, config: dict[str, Any], model: dict[str, Any]) -> Fleet:
            return Fleet(name, config, model, algorithms, work, self._logs / f"endpoint-{name}.log", s3)

        cloudwatch = boto3.client("cloudwatch")
        self._metrics = Metrics(cloudwatch)
        self._alarms = Alarms(cloudwatch, self._metrics)
        self._alarms.start()
        scaling = boto3.client("application-autoscaling")
        self._front.sagemaker = SageMaker(
            REGION, ROLE_ARN, start_job, start_fleet, self._metrics, self._alarms, scaling
        )


def deploy_state_machines(specs: list[StateMachineSpec]) -> None:
    """Create or update the state machines; raise LocalError where AWS would take one for no definition or fail it."""
    states = boto3.client("stepfunctions")
    known = {one["name"]: one["stateMachineArn"] for one in states.list_state_machines()["stateMachines"]}
    for spec in specs:
        check_role(spec, REGION)
        try:
            if spec.name in known:
                states.update_state_machine(stateMachineArn=known[spec.name], definition=spec.definition)
            else:
                states.create_state_machine(
                    name=spec.name, type=spec.type, definition=spec.definition, roleArn=ROLE_ARN
                )
        except states.exceptions.InvalidDefinition as error:
            raise DefinitionRefused(f"{spec.name}: {error}") from error


def main() -> None:
    """Run a stack until standard input ends; print its environment as one line of JSON when it answers."""
    # Ctrl-C reaches the whole process group; whoever started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    logging.basicConfig(level=logging.WARNING)
    # Moto logs every failed state as an error of its own; executions and their history tell it.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    options = Options(**json.loads(sys.argv[1]))
    stack = Stack(options)
    try:
        print(json.dumps(stack.environment()), flush=True)  # noqa: T201
        sys.stdin.buffer.read()
    finally:
        stack.stop()


if __name__ == "__main__":
    main()
