"""The fixture that calls a function's handler."""

import io
import json
from types import ModuleType

import pytest

from tests.unit.functions.calls import Call, Caller, Context


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Caller:
    """Calls a function's handler."""

    def called(app: ModuleType, event: object) -> Call:
        logs = io.StringIO()
        monkeypatch.setattr(app.logger.registered_handler, "stream", logs)
        capsys.readouterr()
        try:
            answer = app.lambda_handler(event, Context())
        except Exception as error:  # noqa: BLE001 - the test says which
            answer = error
        metrics: dict[str, tuple[float, str]] = {}
        for line in capsys.readouterr().out.splitlines():
            emitted = json.loads(line)
            [directive] = emitted["_aws"]["CloudWatchMetrics"]
            metrics |= {one["Name"]: (*emitted[one["Name"]], one["Unit"]) for one in directive["Metrics"]}
        return Call(answer, metrics, [json.loads(line) for line in logs.getvalue().splitlines()])

    return called
