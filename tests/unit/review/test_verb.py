import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import app
from contracts.errors import WorkflowError
from local.stack_outputs import publish
from review.labels import Labels, read_labels
from tests.unit.review.samples import Waiting
from tests.unit.samples import BUCKET

STACK = "reviewed"


@pytest.fixture
def _stacks(waiting: Waiting) -> None:
    """Publish the outputs of an app stack and its data stack."""
    publish(STACK, {"ReviewQueueUrl": waiting.url, "ReviewDeadLettersUrl": waiting.dead_letters})
    publish(f"{STACK}-data", {"BucketName": BUCKET})


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["review", "--stack", STACK, *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


@pytest.mark.usefixtures("_stacks")
def test_images_are_exported_and_their_labels_imported(waiting: Waiting, labels: Labels, tmp_path: Path) -> None:
    for number in range(3):
        waiting.send(number)
    waiting.send_text("nothing")
    folder = tmp_path / "waiting"
    said = run("--export", folder, "--name", "pets", "--order")
    assert "3 images: fill in" in said
    assert "0 whose image is gone, 1 unreadable" in said
    file = folder / "labels.csv"
    rows = file.read_text().splitlines()
    file.write_text("\n".join([*rows[:2], rows[2].replace("png,,", "png,dog,"), *rows[3:]]) + "\n")
    assert "1 labels written, 0 were there, 2 images have none yet." in run("--import", file, "--name", "pets")
    run("--import", file, "--name", "pets", "--reviewer", "ann")
    (image,) = read_labels(labels.s3, BUCKET, "pets")
    assert image.votes["ann"].label == "dog"
    assert len(image.votes) == 2
    assert sum(waiting.counts()) == 3
    assert "No image waits" in run("--export", tmp_path / "empty", "--name", "pets")


def test_either_an_export_or_an_import_is_asked_for() -> None:
    done = CliRunner().invoke(app, ["review", "--export", "a", "--import", __file__])
    assert done.exit_code == 2
    assert "can't be combined with --import" in " ".join(done.output.split())


@pytest.mark.usefixtures("_stacks")
def test_the_page_opens_in_the_browser_unless_that_is_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    # As if Ctrl-C were pressed at once.
    monkeypatch.setattr("werkzeug.serving.BaseWSGIServer.serve_forever", lambda _: signal.raise_signal(signal.SIGINT))
    said = run("--name", "pets", "--reviewer", "[bold]ann")
    assert f"Review as [bold]ann: {opened[0]}" in said
    assert said.endswith("The review has ended.")
    run("--name", "pets", "--no-open")
    assert len(opened) == 1


@pytest.mark.usefixtures("_stacks")
def test_a_port_that_is_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(WorkflowError, match="--port"):
        run("--name", "pets", "--port", taken.getsockname()[1])


@pytest.mark.usefixtures("_stacks")
def test_labels_need_the_name_of_a_data_set_where_no_model_says_it(tmp_path: Path) -> None:
    with pytest.raises(WorkflowError, match="--name"):
        run("--export", tmp_path / "waiting", "--out", tmp_path)
