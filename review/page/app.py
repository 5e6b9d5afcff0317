"""What the page asks of its server: the next images, their pictures, and to decide, skip and undo."""

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, Response, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from contracts.errors import WorkflowError
from imaging.errors import ImageTooLarge, InvalidImage
from review.errors import NotWaiting
from review.image import read_original
from review.page.explaining import Explainer
from review.page.guard import Guard, body
from review.page.pictures import full_size, thumbnail
from review.page.tabs import Tabs
from review.page.views import decision_view, image_view
from review.session import Session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_AT_ONCE = 60
LARGEST_BODY = 256 * 1024
AT_ONCE = 8
EXPECTED = (WorkflowError, BotoCoreError, ClientError, ImageTooLarge, InvalidImage)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Review:
    """What one process's pages work with: the methods without an underscore answer the requests of `make_app`.

    `sentence` says what is wrong, and what to do, of an error of AWS; `where` is shown as where the decisions go.
    """

    session: Session
    tabs: Tabs
    s3: "S3Client"
    explainer: Explainer
    sentence: Callable[[BotoCoreError | ClientError], str]
    where: str
    guard: Guard

    def page(self) -> str:
        """Answer the page itself; each one that is opened has a name of its own."""
        return render_template(
            "page.html",
            reviewer=self.session.reviewer,
            where=self.where,
            csrf=self.guard.csrf,
            tab=secrets.token_hex(8),
        )

    def image(self, message_id: str) -> Response:
        """Answer an image's picture, a small one where the query says `thumbnail`."""
        data = read_original(self.s3, self.session.find(message_id).image)
        picture = (thumbnail if "thumbnail" in request.args else full_size)(data)
        return Response(picture.data, content_type=picture.media_type)

    def next(self) -> Response:
        """Answer the next `count` images for a page, and how far the review is."""
        asked = body()
        count = asked.get("count")
        if type(count) is not int or not 0 < count <= MOST_AT_ONCE:
            abort(400, f"The count must be from 1 to {MOST_AT_ONCE}.")
        images = [image_view(message) for message in self.tabs.deal(_text(asked, "tab"), count)]
        now = self.session.progress()
        left = max(now.left, len(images))
        return jsonify(images=images, decided=now.decided, left=left, unreadable=now.unreadable)

    def show(self) -> ResponseReturnValue:
        """Note that images are on a screen."""
        for message_id in _list(body(), "ids"):
            if isinstance(message_id, str):
                self.session.show(message_id)
        return "", 204

    def decide(self) -> Response:
        """Write decisions, each a message's `id` and a `label`; answer for each what became of it, in their order."""
        decisions = [(_text(one, "id"), _label(one)) for one in _list(body(), "decisions") if isinstance(one, dict)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda one: self._decide(*one), decisions))
        return jsonify(results=results)

    def skip(self) -> ResponseReturnValue:
        """Put an image last."""
        self.session.skip(_text(body(), "id"))
        return "", 204

    def undo(self) -> Response:
        """Undo the last decision, and answer its image."""
        return jsonify(image=image_view(self.tabs.undo(_text(body(), "tab"))))

    def explain(self) -> Response:
        """Answer where the model looks."""
        return jsonify(self.explainer.explain(self.session.find(_text(body(), "id")).image))

    def close(self) -> ResponseReturnValue:
        """Note that a page closes."""
        self.tabs.close(_text(body(), "tab"))
        return "", 204

    def failed(self, error: Exception) -> ResponseReturnValue:
        """Answer an error as one sentence; `gone` where the image is not this page's to decide any more."""
        if isinstance(error, HTTPException):
            return jsonify(error=error.description), error.code or 500
        if not isinstance(error, EXPECTED):
            logger.error("The page's server failed.", exc_info=error)
            return jsonify(error="The server failed; the terminal of `workflow review` says where."), 500
        gone = isinstance(error, NotWaiting)
        return jsonify(error=self._say(error), gone=gone), 409 if isinstance(error, WorkflowError) else 502

    def _decide(self, message_id: str, label: str | None) -> dict[str, Any]:
        try:
            message = self.session.find(message_id)
            return decision_view(message, self.session.decide(message_id, label), self.session.reviewer)
        except EXPECTED as error:
            return {"id": message_id, "error": self._say(error), "gone": isinstance(error, NotWaiting)}

    def _say(self, error: BaseException) -> str:
        return self.sentence(error) if isinstance(error, BotoCoreError | ClientError) else str(error)


def make_app(review: Review) -> Flask:
    """Return the app behind the page; one process and one person, who may have several pages open."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    review.guard.protect(app)
    app.add_url_rule("/", view_func=review.page)
    app.add_url_rule("/image/<message_id>", view_func=review.image)
    changes = (review.next, review.show, review.decide, review.skip, review.undo, review.explain, review.close)
    for change in changes:
        app.add_url_rule(f"/{change.__name__}", view_func=change, methods=["POST"])
    app.register_error_handler(Exception, review.failed)
    return app


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 256:
        abort(400, f"{name} must be a short text.")
    return value


def _label(values: dict[str, Any]) -> str | None:
    """Return the label of a decision, which must be named: null is a decision too."""
    return None if values.get("label", "") is None else _text(values, "label")


def _list(values: dict[str, Any], name: str) -> list[Any]:
    value = values.get(name)
    if not isinstance(value, list) or not 0 < len(value) <= MOST_AT_ONCE:
        abort(400, f"{name} must be a list of 1 to {MOST_AT_ONCE}.")
    return value
