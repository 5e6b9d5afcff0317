"""Serve the page on loopback until Ctrl-C."""

import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from contracts.labels import labels_folder
from review.errors import ReviewError
from review.labels import Labels
from review.page.app import Review, make_app
from review.page.explaining import Explainer
from review.page.guard import Guard
from review.page.tabs import Tabs
from review.session import Session

Sentence = Callable[[BotoCoreError | ClientError], str]
LOOPBACK = "127.0.0.1"


class QuietHandler(WSGIRequestHandler):
    """Logs no requests, as the first one's address holds the token."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


@contextmanager
def listening(make: Callable[[Guard], Flask], port: int) -> Iterator[tuple[BaseWSGIServer, Guard]]:
    """Bind a port of 127.0.0.1, and make the app that its guard protects; the caller lets the server serve.

    Raises:
        ReviewError: the port is in use.
    """
    try:
        bound = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise ReviewError(f"Port {port} can't be used ({error.strerror}); name another one by --port.") from error
    with bound:
        guard = Guard(bound.getsockname()[1])
        with make_server(
            LOOPBACK, guard.port, make(guard), threaded=True, request_handler=QuietHandler, fd=bound.fileno()
        ) as server:
            yield server, guard


def review_in_browser(
    session: Session,
    labels: Labels,
    explainer: Explainer,
    sentence: Sentence,
    port: int,
    ready: Callable[[str], None],
    *,
    browser: bool,
) -> None:
    """Let a person decide in the browser until Ctrl-C or SIGTERM.

    Args:
        session: not yet entered.
        labels: where its decisions go.
        explainer: asks endpoints where they looked.
        sentence: says what is wrong, and what to do, of an error of AWS.
        port: on 127.0.0.1; 0 is any free one.
        ready: called with the address to open as soon as it can be.
        browser: whether to open it in the user's browser too.

    Raises:
        ReviewError: the port is in use.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def make(guard: Guard) -> Flask:
        return make_app(Review(session, tabs, labels.s3, explainer, sentence, labels_folder(labels.dataset), guard))

    with suppress(KeyboardInterrupt), session, Tabs(session) as tabs, listening(make, port) as (server, guard):
        ready(guard.address)
        if browser:
            webbrowser.open(guard.address)
        server.serve_forever()
