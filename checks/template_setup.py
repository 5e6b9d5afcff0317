"""How the templates deploy the workflow by default, as far as a bill depends on it."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.costs.setup import Monitoring, Setup
from local.stack import BUCKET, REGION, ROOT
from local.template import Template
from training.sagemaker.app_stack import CAPTURE, KIND

APP, DATA = ROOT / "template.yaml", ROOT / "training/template.yaml"
# What `workflow deploy` sets for a serverless endpoint.
SERVERLESS = {KIND: "serverless", CAPTURE: "100"}


def template_setup(instance_type: str, instances: int, serverless_memory: int) -> Setup:
    """Return the set-up of the templates' default parameters, with an endpoint of these instances or this memory."""
    app, capturing, data = _template(APP, {}), _template(APP, SERVERLESS), _template(DATA, {})
    return Setup(
        instance_type=instance_type,
        instances=instances,
        serverless_memory=serverless_memory,
        batch_size=int(app.parameters["BatchSize"]),
        capture_days=int(data.parameters["CaptureDays"]),
        log_days=int(app.parameters["LogRetentionDays"]),
        monitoring=_monitoring(app),
        capturing=_monitoring(capturing),
    )


def _template(path: Path, parameters: Mapping[str, str]) -> Template:
    return Template(path, {"DataBucketName": BUCKET, **parameters}, REGION)


def _monitoring(app: Template) -> Monitoring:
    """Count the metrics that alarms watch, those that functions and the filters of logs make, and dashboards."""
    filters = app.resources("AWS::Logs::MetricFilter").values()
    made = set().union(*(_metrics(spec.code / "app.py") for spec in app.functions()))
    return Monitoring(
        alarm_metrics=sum(map(_watched, app.resources("AWS::CloudWatch::Alarm").values())),
        custom_metrics=len(made) + sum(len(one["MetricTransformations"]) for one in filters),
        dashboards=len(app.resources("AWS::CloudWatch::Dashboard")),
    )


def _watched(alarm: dict[str, Any]) -> int:
    """Count the metrics that an alarm watches: its own, or those of its expression."""
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def _metrics(path: Path) -> set[str]:
    """Return the names of the metrics that a function's code adds by Powertools' `metrics.add_metric`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
    named = [node.args[0] for node in calls if ast.unparse(node.func) == "metrics.add_metric"]
    return {str(name.value) for name in named if isinstance(name, ast.Constant)}
