"""UpdateStack of the app stack with its own template, which this stack deploys without CloudFormation.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
"""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from local.app_stack import AppStack
from local.errors import LocalError
from local.template import ACCOUNT_ID, STACK_NAME

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def answer_update(environ: "WSGIEnvironment", app_stack: AppStack, region: str) -> Response | None:
    """Deploy the app stack with the parameters that a request changes; None where it is another request.

    The request's body can be read again afterwards. The answer comes after the update; CloudFormation's comes before.
    """
    if "/cloudformation/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
        return None
    body = Request(environ).get_data()
    environ["wsgi.input"] = io.BytesIO(body)
    asked = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if (asked.get("Action"), asked.get("StackName")) != ("UpdateStack", STACK_NAME):
        return None
    if asked.get("UsePreviousTemplate") != "true":
        return None
    if "CAPABILITY_AUTO_EXPAND" not in asked.values():
        return _error("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_AUTO_EXPAND]")
    changed = _changed(asked)
    if not changed.items() - app_stack.parameters.items():
        return _error("ValidationError", "No updates are to be performed.")
    try:
        app_stack.deploy({**app_stack.parameters, **changed})
    except LocalError as error:
        return _error("ValidationError", str(error))
    stack_id = f"arn:aws:cloudformation:{region}:{ACCOUNT_ID}:stack/{STACK_NAME}/local"
    result = f"<UpdateStackResult><StackId>{stack_id}</StackId></UpdateStackResult>"
    return _xml(200, f'<UpdateStackResponse xmlns="{NAMESPACE}">{result}</UpdateStackResponse>')


def _changed(asked: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that a request gives a value, by their names; the others keep theirs."""
    prefix, key, value = "Parameters.member.", ".ParameterKey", ".ParameterValue"
    places = [name.removesuffix(value) for name in asked if name.startswith(prefix) and name.endswith(value)]
    return {asked[place + key]: asked[place + value] for place in places}


def _error(code: str, message: str) -> Response:
    said = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    return _xml(400, f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{said}</Error></ErrorResponse>')


def _xml(status: int, body: str) -> Response:
    return Response(body, status, content_type="text/xml")
