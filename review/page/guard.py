"""Who may talk to the page: the browser that was given its address, and nobody who only reaches its port.

Any web page can send requests to loopback, and any program here can reach it. So a request needs a secret that only
`workflow review` printed; a name of another site that leads to loopback (DNS rebinding) is refused by its Host; and
what changes something must come from the page itself.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, abort, request

HOSTS = ("127.0.0.1", "localhost")
# Of a link or a form of another site; browsers send it with every request to a loopback address.
FOREIGN_FETCHES = {"cross-site", "same-site"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Images of the bucket must not stay in a cache on disk.
    "Cache-Control": "no-store",
}
# A page of our own, so that the browser counts the visit that follows as same-site, wherever the link was clicked; the
# visit replaces the address with the token in the browser's history.
OPENED = '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0;url=/"><title>Review</title></html>\n'


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Guard:
    """The secrets of one page on one port: `token` is in its address, the browser keeps `cookie`, the page `csrf`."""

    port: int
    token: str = field(default_factory=_secret, repr=False)
    cookie: str = field(default_factory=_secret, repr=False)
    csrf: str = field(default_factory=_secret, repr=False)

    @property
    def address(self) -> str:
        """The address to open."""
        return f"http://127.0.0.1:{self.port}/open/{self.token}"

    @property
    def cookie_name(self) -> str:
        """A name of its own for each page, as a browser keeps one set of cookies for all ports of a host."""
        return f"review-{self.port}"

    def protect(self, app: Flask) -> None:
        """Let the app answer only those who may ask."""
        app.before_request(self._check)
        app.after_request(self._add_headers)
        app.add_url_rule("/open/<token>", "open", self._open)

    def _check(self) -> None:
        hosts = {f"{host}:{self.port}" for host in HOSTS}
        if request.host not in hosts:
            abort(400, f"This page has another address: 127.0.0.1:{self.port}.")
        if request.endpoint == "open":
            return
        if not _same(request.cookies.get(self.cookie_name, ""), self.cookie):
            abort(403, "Open the whole address that `workflow review` printed.")
        if request.headers.get("Sec-Fetch-Site") in FOREIGN_FETCHES:
            abort(403, "Another site may not ask this page.")
        if request.method == "POST":
            if request.headers.get("Origin") != f"http://{request.host}":
                abort(403, "Another site may not change anything here.")
            if not _same(body().get("csrf"), self.csrf):
                abort(403, "The page belongs to a review that has ended; reload it.")

    def _open(self, token: str) -> Response:
        if not _same(token, self.token):
            abort(403, "Open the whole address that `workflow review` printed.")
        answer = Response(OPENED, content_type="text/html; charset=utf-8")
        answer.set_cookie(self.cookie_name, self.cookie, httponly=True, samesite="Strict")
        return answer

    @staticmethod
    def _add_headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        return answer


def body() -> dict[str, Any]:
    """Return the JSON object that was sent; aborts the request where it is anything else."""
    # An HTML form of another site can't send this type without being asked for permission first.
    if not re.fullmatch(r"application/json(;.*)?", request.content_type or ""):
        abort(415, "Send JSON.")
    found = request.get_json()
    if not isinstance(found, dict):
        abort(400, "Send a JSON object.")
    return found


def _same(given: Any, secret: str) -> bool:
    """Compare in a time that tells nothing about the secret."""
    return isinstance(given, str) and secrets.compare_digest(given.encode(errors="replace"), secret.encode())
