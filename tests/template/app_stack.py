"""What the tests of the app stack share: its functions' code, its state machines, what the drift check publishes."""

import ast
import json
from typing import Any
from unittest.mock import Mock

from local.template import substitute
from monitoring.drift.check import window_for
from monitoring.drift.verdict import FEWEST, judge, publish_drift
from monitoring.quality.evaluation import MAX_ERROR
from monitoring.quality.live_accuracy import live_accuracy
from monitoring.quality.live_metrics import publish_live_accuracy
from tests.conftest import ROOT
from tests.template.transformed import APP, flat, of_type, under
from tests.unit.monitoring.quality.audited import decision, image
from tests.unit.samples import baseline

FUNCTIONS = {"SerializeFunction": "serialize", "ClassifyFunction": "classify", "ThresholdFunction": "threshold"}
# These come with the condition ChecksDrift, some of them made by SAM.
DRIFT = {
    "DriftFunction",
    "DriftFunctionAliaslive",
    "DriftFunctionEventInvokeConfig",
    "DriftFunctionHourly",
    "DriftRole",
    "DriftScheduleRole",
    "DriftLogs",
    "DriftAlarm",
    "DriftCheckAlarm",
    "LiveErrorAlarm",
}
ENDPOINT = "watched"


def source(function: str) -> ast.Module:
    code: str = of_type(APP, "AWS::Lambda::Function")[function]["Code"]["S3Key"]
    return ast.parse((ROOT / code / "app.py").read_text())


def published() -> list[dict[str, Any]]:
    """Return the metrics that the drift check puts for a window with a verdict and an audited answer."""
    images = baseline(FEWEST)
    cloudwatch = Mock()
    publish_drift(judge(ENDPOINT, images, window_for(images), images.sample), cloudwatch)
    publish_live_accuracy(ENDPOINT, live_accuracy([image(decision(0, "cat"))], MAX_ERROR), cloudwatch)
    return [one for call in cloudwatch.put_metric_data.call_args_list for one in call.kwargs["MetricData"]]


def calls(tree: ast.Module, owner: str, method: str) -> set[str]:
    """Return the first argument of each call of a method of something with that name."""
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"{owner}.{method}"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def definition(machine: str) -> tuple[str, dict[str, Any]]:
    """Return a state machine's text before its substitutions, and these."""
    properties = of_type(APP, "AWS::StepFunctions::StateMachine")[machine]
    return (ROOT / properties["DefinitionS3Location"]["Key"]).read_text(), properties["DefinitionSubstitutions"]


def states_of(machine: str, *holding: str) -> dict[str, Any]:
    """Return a state machine's definition with what each substitution refers to; conditions are as for `under`."""
    text, substitutions = definition(machine)
    values = flat(under(substitutions, *holding))
    return dict(json.loads(substitute(text, values)))


def tasks_of(function: str, *holding: str, machine: str = "ClassifyImage") -> list[dict[str, Any]]:
    """Return the states of a single-image machine that call a function; conditions are as for `under`."""
    states = states_of(machine, *holding)["States"].values()
    return [state for state in states if state.get("Parameters", {}).get("FunctionName") == f"{function}Aliaslive"]
