"""What a hostile name, and a page of another origin, can do in a real browser: nothing."""

import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from PIL import Image
from playwright.sync_api import Dialog, expect

from review.labels import Labels
from review.queue import ReviewQueue
from tests.browsers import needs_chromium
from tests.unit.review.page.browsers import Opening, counted, serving, written
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

pytestmark = needs_chromium
HOSTILE = "<img src=x onerror=alert(1)>\"'&"


def test_the_address_bar_shows_no_token_and_no_script_may_come_from_elsewhere(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address:
        screen = opening(address)
        screen.name()
        assert screen.page.url == address.partition("open")[0]
        screen.page.go_back()
        assert "/open/" not in screen.page.url
        # Whoever gets only the address without the token gets nothing.
        stranger = screen.page.context.browser
        assert stranger is not None
        with stranger.new_context() as context:
            answer = context.new_page().goto(address.partition("open")[0])
            assert answer is not None
            assert answer.status == 403


def test_hostile_names_are_shown_as_text_and_no_script_of_theirs_runs(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    key = f"incoming/{HOSTILE}"
    for number in range(2):
        waiting.send(number, s3_key=key, labels=[HOSTILE, "dog"], label=HOSTILE, release=HOSTILE)
        waiting.s3.put_object(Bucket=BUCKET, Key=key, Body=picture(number))
    with serving(queue, labels, HOSTILE) as address:
        screen = opening(address)
        dialogs: list[str] = []

        def note(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        screen.page.on("dialog", note)
        expect(screen.find(".who bdi").first).to_have_text(HOSTILE)
        expect(screen.find(".choice .name").first).to_have_text(HOSTILE)
        expect(screen.find("#facts")).to_contain_text(HOSTILE)
        screen.page.keyboard.press("1")
        screen.says(f"{HOSTILE} for {HOSTILE}.")
        screen.page.keyboard.press("g")
        expect(screen.find(".card option").first).to_have_text(HOSTILE)
        assert screen.find("img[src=x]").count() == 0
        assert dialogs == []


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(file, "PNG")
    return file.getvalue()


class Forger(BaseHTTPRequestHandler):
    """A page of another site that tries to decide an image, and says when it has."""

    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page.encode())

    def log_message(self, *_: object) -> None:
        pass


FORGERY = """<!doctype html><title>trying</title><script type="module">
const body = JSON.stringify(SENT)
const tries = ['text/plain', 'application/json'].flatMap((type) => ['cors', 'no-cors'].map((mode) => {
  const headers = { 'Content-Type': type }
  return fetch('ORIGINdecide', { method: 'POST', mode, credentials: 'include', headers, body })
}))
navigator.sendBeacon('ORIGINdecide', new Blob([body], { type: 'text/plain' }))
const picture = new Promise((done) => {
  const [onload, onerror] = ['shown', 'refused'].map((word) => () => done(word))
  Object.assign(new Image(), { onload, onerror, src: 'ORIGINimage/ID' })
})
const read = (await Promise.allSettled(tries)).filter((one) => one.value?.ok).length
document.title = `${read} read, ${await picture}`
</script>"""


def test_a_page_of_another_origin_cant_decide_and_sees_nothing(
    waiting: Waiting, queue: ReviewQueue, labels: Labels, opening: Opening
) -> None:
    waiting.send(0)
    with serving(queue, labels) as address, HTTPServer(("127.0.0.1", 0), Forger) as other:
        screen = opening(address)
        screen.name()
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        message = (screen.find("#frame img").get_attribute("src") or "").rpartition("/")[2]
        csrf = screen.find("html").get_attribute("data-csrf")
        # As bad as it can be: the other page knows the secret of the page, and the browser has the cookie.
        sent = {"csrf": csrf, "decisions": [{"id": message, "label": "dog"}]}
        origin = address.partition("open")[0]
        Forger.page = FORGERY.replace("SENT", str(sent)).replace("ORIGIN", origin).replace("ID", message)
        for host in ("127.0.0.1", "localhost"):
            page = screen.page.context.new_page()
            page.goto(f"http://{host}:{other.server_address[1]}/")
            expect(page).to_have_title("0 read, refused")
        other.shutdown()
        thread.join()
        assert written(labels) == {}
        screen.press("1")
    assert counted(labels) == {"0.png": "cat"}
