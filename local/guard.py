"""Who may use the local stack: programs that its user gave its access key to, and nobody else on the machine.

Pages in a browser reach loopback too, as does every user of the machine. So a request must carry a signature, version 4
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), by the stack's own key,
name the stack's own address as its host, and come from no page.
"""

import io
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from local.responses import error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[A-Z0-9]+)/[0-9]{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Authorization:
    """What a request's Authorization header says."""

    key: str
    region: str
    service: str
    headers: str
    signature: str


class _Signer(SigV4Auth):
    """Signs the headers that a client has signed, whichever these are."""

    def headers_to_sign(self, request: AWSRequest) -> HTTPMessage:
        """Return the request's headers, all of which were signed."""
        headers = HTTPMessage()
        for name, value in request.headers.items():
            headers[name.lower()] = value
        return headers


class _S3Signer(_Signer, S3SigV4Auth):
    """Leaves paths as they are, as only S3 does."""


def _host_of(environ: "WSGIEnvironment") -> str | None:
    """Return the host that a request names, without its port; None where it names none."""
    try:
        return urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname
    except ValueError:
        return None  # such as half an IPv6 address


def _refusal(environ: "WSGIEnvironment", reason: str) -> Response:
    """Return a 403 that the SDK's client of the service can read: that of S3 reads XML alone."""
    if "/s3/aws4_request" not in environ.get("HTTP_AUTHORIZATION", ""):
        return error_response(403, "AccessDeniedException", reason)
    body = f"<Error><Code>AccessDenied</Code><Message>{escape(reason)}</Message></Error>"
    return Response(body, 403, content_type="application/xml")


def _without_cross_origin_headers(start_response: "StartResponse") -> "StartResponse":
    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, kept, *error)

    return start


class Guard:
    """A WSGI application that lets signed requests through to another one."""

    def __init__(self, application: "WSGIApplication", credentials: Mapping[str, str], hosts: Collection[str]) -> None:
        """`hosts` are names, besides those of loopback, under which the stack is asked."""
        self._application = application
        self._credentials = Credentials(credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"])
        self._hosts = LOOPBACK_HOSTS | set(hosts)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request, or refuse it before anything has seen it."""
        if reason := self._objection(environ):
            return _refusal(environ, reason)(environ, start_response)
        # Moto lets pages of every origin read its answers.
        return self._application(environ, _without_cross_origin_headers(start_response))

    def _objection(self, environ: "WSGIEnvironment") -> str | None:
        if _host_of(environ) not in self._hosts:
            return "The local stack answers under its own address only."
        if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
            return "The local stack answers no page."
        match = AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if match is None:
            return "The request isn't signed: export the variables that `workflow local` prints."
        given = Authorization(**match.groupdict())
        if not compare_digest(given.key, self._credentials.access_key):
            return "The request is signed by another access key: export the variables that `workflow local` prints."
        if not compare_digest(given.signature, self._signature(environ, given)):
            return "The request's signature is wrong: export the variables that `workflow local` prints."
        return None

    def _signature(self, environ: "WSGIEnvironment", given: Authorization) -> str:
        request = Request(environ)
        headers = {name: request.headers.get(name, "") for name in given.headers.split(";")}
        body = b""
        if "x-amz-content-sha256" not in headers:
            body = request.get_data()
            environ["wsgi.input"] = io.BytesIO(body)
        url = f"{request.scheme}://{request.host}{environ['RAW_URI']}"
        signed = AWSRequest(request.method, url, headers, body)
        signed.context["timestamp"] = request.headers.get("X-Amz-Date", "")
        signer = (_S3Signer if given.service == "s3" else _Signer)(self._credentials, given.service, given.region)
        signature: str = signer.signature(signer.string_to_sign(signed, signer.canonical_request(signed)), signed)
        return signature
