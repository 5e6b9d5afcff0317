"""The loop of a runtime: load the handler, and give it one invocation after the other."""

import http.client
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from local.lambda_runtime import logs
from local.lambda_runtime.context import Context
from local.lambda_runtime.encoding import decode, encode
from local.lambda_runtime.errors import Fault, described

API = "/2018-06-01/runtime"

Handler = Callable[[Any, Context], object]


class RuntimeClient:
    """The calls of a runtime to Lambda, on one connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[Mapping[str, str], bytes]:
        """Wait for the next invocation; return its headers and its event."""
        return self._call("GET", "/invocation/next")

    def post(self, path: str, body: bytes) -> None:
        """Tell Lambda of a result or an error."""
        self._call("POST", path, body)

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[Mapping[str, str], bytes]:
        self._connection.request(method, API + path, body, {"Content-Type": "application/json"} if body else {})
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise http.client.HTTPException(f"{path} answered {response.status}.")
        return dict(response.headers), content


def run(name: str, address: str) -> NoReturn:
    """Run invocations until the process is ended; exit with 1 where the handler can't be loaded.

    What isn't an Exception, such as SystemExit, ends the process, as on Lambda.
    """
    client, request_id = RuntimeClient(address), logs.set_up()
    try:
        handler = load(name)
    except Exception as error:  # noqa: BLE001 - a module may raise whatever it likes
        report = described(error)
        logs.log_error(report)
        client.post("/init/error", encode(report).encode())
        sys.exit(1)
    while True:
        headers, event = client.next()
        request_id.current = headers["Lambda-Runtime-Aws-Request-Id"]
        os.environ.pop("_X_AMZN_TRACE_ID", None)
        if trace := headers.get("Lambda-Runtime-Trace-Id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace
        path, body = invoke(handler, headers, event)
        client.post(f"/invocation/{request_id.current}/{path}", body)


def load(name: str) -> Handler:
    """Return the handler `module.function`; raise Fault, or what its module raises."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", f"Bad handler '{name}': it must be MODULE.FUNCTION")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace) from error
    if not hasattr(module, function):
        raise Fault("HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'")
    handler: Handler = getattr(module, function)
    return handler


def invoke(handler: Handler, headers: Mapping[str, str], event: bytes) -> tuple[str, bytes]:
    """Call the handler; return what to post, `response` or `error`, and its body. An error is also logged."""
    try:
        context = Context(headers)
        return "response", _marshalled(handler(_unmarshalled(event), context))
    except Exception as error:  # noqa: BLE001 - a handler may raise whatever it likes
        report = described(error, headers["Lambda-Runtime-Aws-Request-Id"])
        logs.log_error(report)
        return "error", encode(report).encode()


def _unmarshalled(event: bytes) -> Any:
    try:
        return decode(event)
    except Exception as error:
        raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}") from error


def _marshalled(result: object) -> bytes:
    if isinstance(result, bytes):
        return result
    try:
        return encode(result).encode()
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from error
