import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from review.labels import Labels, read_labels
from review.page.app import make_app
from review.page.guard import Guard
from tests.unit.review.page.visitor import PORT, Visitor
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

PATHS = [
    ("GET", "/"),
    ("GET", "/image/1"),
    ("GET", "/static/page.js"),
    *(("POST", f"/{name}") for name in ("next", "show", "decide", "skip", "undo", "explain", "close")),
]


def test_every_route_is_in_the_list_of_these_tests(visitor: Visitor) -> None:
    rules = make_app(visitor.review).url_map.iter_rules()
    found = {(method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    placeholders = {"/image/1": "/image/<message_id>", "/static/page.js": "/static/<path:filename>"}
    assert found - {("GET", "/open/<token>")} == {(method, placeholders.get(path, path)) for method, path in PATHS}


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_is_let_in_without_the_cookie_or_with_a_wrong_one(visitor: Visitor, method: str, path: str) -> None:
    guard = visitor.review.guard
    stranger = make_app(visitor.review).test_client(use_cookies=False)
    sent = {"csrf": guard.csrf, "tab": "t", "count": 1}
    for cookie in ("", f"{guard.cookie_name}=x", f"{guard.cookie_name}=é", f"other={guard.cookie}"):
        headers = {"Origin": visitor.origin, "Cookie": cookie}
        answer = stranger.open(path, method=method, base_url=visitor.origin, json=sent, headers=headers)
        assert answer.status_code == 403
        assert "printed" in answer.get_json()["error"]


@pytest.mark.parametrize("host", ["evil.example:5000", "127.0.0.1", "127.0.0.1:5001", "127.0.0.1.evil.example:5000"])
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_a_name_that_only_leads_to_loopback_is_refused(visitor: Visitor, method: str, path: str, host: str) -> None:
    cookie = f"{visitor.review.guard.cookie_name}={visitor.review.guard.cookie}"
    stranger = make_app(visitor.review).test_client(use_cookies=False)
    headers = {"Host": host, "Cookie": cookie, "Origin": f"http://{host}"}
    assert stranger.open(path, method=method, headers=headers, json={}).status_code == 400


def test_the_address_is_exchanged_for_a_cookie_and_leaves_the_browsers_history(visitor: Visitor) -> None:
    guard = visitor.review.guard
    browser = make_app(visitor.review).test_client()
    answer = browser.get(guard.address, headers={"Sec-Fetch-Site": "cross-site"})
    cookie = answer.headers["Set-Cookie"]
    assert answer.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert guard.token not in answer.text + cookie
    page = browser.get("/", base_url=visitor.origin, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 200
    assert guard.csrf in page.text
    assert guard.token not in page.text
    assert guard.cookie not in page.text


@pytest.mark.parametrize("token", ["x", "é", "", "%00"])
def test_a_wrong_token_gets_no_cookie(visitor: Visitor, token: str) -> None:
    answer = make_app(visitor.review).test_client().get(f"/open/{token}", base_url=visitor.origin)
    assert answer.status_code in {403, 404}
    assert "Set-Cookie" not in answer.headers


def test_two_pages_on_one_machine_have_cookies_and_secrets_of_their_own() -> None:
    one, other = Guard(PORT), Guard(PORT + 1)
    assert one.cookie_name != other.cookie_name
    assert len({one.token, one.cookie, one.csrf, other.token, other.cookie, other.csrf}) == 6
    assert not any(secret in repr(one) for secret in (one.token, one.cookie, one.csrf))


FORGED: dict[str, Callable[[Visitor, dict[str, Any]], TestResponse]] = {
    "another origin": lambda page, sent: page.post_from("http://evil.example", "/decide", **sent),
    "another port": lambda page, sent: page.post_from("http://127.0.0.1:5001", "/decide", **sent),
    "no origin": lambda page, sent: page.client.post(
        "/decide", base_url=page.origin, json={"csrf": page.review.guard.csrf, **sent}
    ),
    "an opaque origin": lambda page, sent: page.post_from("null", "/decide", **sent),
    "a page of an earlier review": lambda page, sent: page.post("/decide", csrf="x", **sent),
    "no secret": lambda page, sent: page.post("/decide", csrf=None, **sent),
    "a browser that says so": lambda page, sent: page.client.post(
        "/decide",
        base_url=page.origin,
        json={"csrf": page.review.guard.csrf, **sent},
        headers={"Origin": page.origin, "Sec-Fetch-Site": "cross-site"},
    ),
    "a form": lambda page, sent: page.client.post(
        "/decide",
        base_url=page.origin,
        data={"csrf": page.review.guard.csrf, "decisions": str(sent)},
        headers={"Origin": page.origin},
    ),
    "plain text": lambda page, sent: page.client.post(
        "/decide",
        base_url=page.origin,
        data=json.dumps({"csrf": page.review.guard.csrf, **sent}),
        content_type="text/plain;application/json",
        headers={"Origin": page.origin},
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_another_site_cant_write_a_label(visitor: Visitor, waiting: Waiting, labels: Labels, name: str) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    sent = {"decisions": [{"id": image["id"], "label": "cat"}]}
    assert FORGED[name](visitor, sent).status_code in {403, 415}
    assert read_labels(labels.s3, BUCKET, labels.dataset) == []
    assert visitor.post("/decide", **sent).status_code == 200
    assert len(read_labels(labels.s3, BUCKET, labels.dataset)) == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_cant_show_an_image(visitor: Visitor, waiting: Waiting, site: str) -> None:
    waiting.send(0)
    (image,) = visitor.images()
    assert visitor.get(f"/image/{image['id']}", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert visitor.get(f"/image/{image['id']}", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/page.js", "/image/none", "/none", "/open/x"])
def test_every_answer_forbids_foreign_scripts_frames_and_copies_on_disk(visitor: Visitor, path: str) -> None:
    with visitor.get(path) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("sent", ["[]", "1", "{", "null", '{"csrf": 1}', '{"csrf": "é"}'])
def test_what_is_no_object_with_the_secret_is_refused(visitor: Visitor, sent: str) -> None:
    answer = visitor.client.post(
        "/next",
        base_url=visitor.origin,
        data=sent.encode(),
        content_type="application/json",
        headers={"Origin": visitor.origin},
    )
    assert answer.status_code in {400, 403}


def test_a_body_of_any_size_is_refused_unread(visitor: Visitor) -> None:
    assert visitor.post("/skip", id="x" * 300_000).status_code == 413


def test_neither_secrets_nor_images_are_logged(
    visitor: Visitor, waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        waiting.send(0)
        (image,) = visitor.images()
        visitor.get(f"/image/{image['id']}")
        visitor.get("/open/wrong")
    said = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("boto"))
    guard = visitor.review.guard
    assert not any(secret in said for secret in (guard.token, guard.cookie, guard.csrf))
    assert "PNG" not in said
