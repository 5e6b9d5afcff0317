"""A page in a browser that was given the address, without the browser."""

from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from review.page.app import Review, make_app

PORT = 5000


@dataclass
class Visitor:
    """Sends what the page's scripts send."""

    review: Review
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = make_app(self.review).test_client()
        self.get(self.review.guard.address)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.review.guard.port}"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, base_url=self.origin, **more)

    def post(self, path: str, **values: Any) -> TestResponse:
        return self.post_from(self.origin, path, **values)

    def post_from(self, origin: str, path: str, **values: Any) -> TestResponse:
        """Send what a page of some origin sends."""
        sent = {"csrf": self.review.guard.csrf, "tab": "tab-1", **values}
        return self.client.post(path, base_url=self.origin, json=sent, headers={"Origin": origin})

    def images(self, count: int = 12, **values: Any) -> list[dict[str, Any]]:
        """Return what waits for this page."""
        found: list[dict[str, Any]] = self.post("/next", count=count, **values).get_json()["images"]
        return found

    def decide(self, image: dict[str, Any], label: str | None) -> dict[str, Any]:
        """Decide an image, and return what the page is told."""
        answer = self.post("/decide", decisions=[{"id": image["id"], "label": label}]).get_json()
        (result,) = answer["results"]
        return dict(result)
