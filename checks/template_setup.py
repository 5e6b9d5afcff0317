"""How the templates deploy the workflow by default, as far as a bill depends on it."""

import ast
from pathlib import Path
from typing import Any

from inference.costs.setup import Setup
from local.stack import BUCKET, REGION, ROOT
from local.template import Template

APP, DATA = ROOT / "template.yaml", ROOT / "training/template.yaml"


def template_setup(instance_type: str, instances: int, serverless_memory: int) -> Setup:
    """Return the set-up of the templates' default parameters with an endpoint of these instances or this memory in MB.

    Counts the metrics that the functions' code makes and the log groups' filters, those that alarms watch, and the
    dashboards.
    """
    app, data = (Template(path, {"DataBucketName": BUCKET}, REGION) for path in (APP, DATA))
    alarms = app.resources("AWS::CloudWatch::Alarm").values()
    filters = app.resources("AWS::Logs::MetricFilter").values()
    made = set().union(*(_metrics(spec.code / "app.py") for spec in app.functions()))
    return Setup(
        instance_type=instance_type,
        instances=instances,
        serverless_memory=serverless_memory,
        batch_size=int(app.parameters["BatchSize"]),
        capture_days=int(data.parameters["CaptureDays"]),
        log_days=int(app.parameters["LogRetentionDays"]),
        alarm_metrics=sum(map(_watched, alarms)),
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
