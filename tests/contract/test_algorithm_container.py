"""The algorithm under SageMaker's container contracts: train and serve as the processes that a container starts."""

import hashlib
import http.client
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contracts.answer import parse_answer
from contracts.judged import TEST_FILE, parse_judged
from local.sagemaker.container_client import reserve_port
from tests.waiting import LONGEST_SECONDS, wait_until

PROGRAM = Path(__file__).parents[2] / "training" / "algorithms" / "mirror_ridge"
SIDE = 16
LABELS = ("across", "down")
MAX_BODY = 6_291_456


def stripes(label: int, seed: int) -> Image.Image:
    """Noisy stripes that run across or down."""
    draw = np.random.default_rng(seed)
    wave = 128 + 80 * np.sin(np.arange(SIDE) * draw.uniform(1.2, 2.2) + draw.uniform(0, 6))
    plane = np.broadcast_to(wave[:, np.newaxis], (SIDE, SIDE)) + draw.normal(0, 20, (SIDE, SIDE))
    plane = plane.T if label else plane
    return Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8)).convert("RGB")


def png(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def job(base: Path) -> Path:
    """A training job's directories with 40 images to train on and 20 to validate."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    settings = {"class_labels": ",".join(LABELS), "seed": "7", "dataset_sha256": "ab" * 32}
    (config / "hyperparameters.json").write_text(json.dumps(settings))
    for channel, count in (("train", 40), ("validation", 20)):
        folder, lists = base / "input" / "data" / channel, base / "input" / "data" / f"{channel}_lst"
        folder.mkdir(parents=True)
        lists.mkdir()
        lines = []
        for index in range(count):
            stripes(index % 2, 1000 * count + index).save(folder / f"{index}.png")
            lines.append(f"{index}\t{index % 2}\t{index}.png\n")
        (lists / f"{channel}.lst").write_text("".join(lines))
    return base


def run_train(base: Path, **extra: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), **extra}
    return subprocess.run(
        [sys.executable, "train.py"],
        cwd=PROGRAM,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Base directory of a finished training job, and its log."""
    base = job(tmp_path_factory.mktemp("job") / "opt" / "ml")
    done = run_train(base)
    assert done.returncode == 0, done.stdout + done.stderr
    return base, done.stdout


@contextmanager
def serving(base: Path) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Start serve.py and give its port once it answers /ping, or has ended."""
    with closing(reserve_port()) as reserved:
        port = reserved.getsockname()[1]
        bound = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_BIND_TO_ADDRESS": "127.0.0.1"}
        process = subprocess.Popen(
            [sys.executable, "serve.py"],
            cwd=PROGRAM,
            env={**os.environ, "SAGEMAKER_BASE_DIR": str(base), **bound},
            stderr=subprocess.DEVNULL,
        )

        def decided() -> bool:
            try:
                return process.poll() is not None or ask(port, "GET", "/ping")[0] == 200
            except ConnectionRefusedError:
                return False

        try:
            wait_until(decided)
            yield port, process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def port(trained: tuple[Path, str]) -> Iterator[int]:
    with serving(trained[0]) as (number, _):
        yield number


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    content_type: str = "image/png",
    attributes: str | None = None,
) -> tuple[int, bytes]:
    headers = {"Content-Type": content_type}
    if attributes is not None:
        headers["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_training_leaves_a_model_and_says_its_metrics(trained: tuple[Path, str]) -> None:
    base, log = trained
    assert sorted(path.name for path in (base / "model").iterdir()) == [
        *("model.json", "model.npz", "network.LICENSE", "network.onnx")
    ]
    assert not (base / "output" / "failure").exists()
    line = next(line for line in log.splitlines() if line.startswith("train-accuracy="))
    said = {name: float(value) for name, value in (pair.split("=") for pair in line.split())}
    assert said["validation-accuracy"] >= 0.9
    assert 0 <= said["validation-ece"] <= 0.5
    record = json.loads((base / "model" / "model.json").read_text())
    assert record["labels"] == list(LABELS)
    assert (record["features"], record["side"], record["dataset_sha256"]) == ("backbone", 160, "ab" * 32)
    assert {name: round(value, 4) for name, value in record["metrics"].items()} == said
    assert f"release {record['release']}" in log.splitlines()
    # 40 images are too few to promise an error of at most 2%.
    assert record["threshold"] == {
        "value": None,
        "max_error": 0.02,
        "confidence_level": 0.95,
        "images": 40,
        "accepted": 0,
        "wrong": 0,
        "error_upper": 1.0,
    }
    assert "no threshold keeps the error at most 0.02: nothing is accepted" in log
    assert set(record["versions"]) == {"python", "numpy", "scipy", "scikit-learn", "onnxruntime"}


def test_training_leaves_out_of_fold_probabilities_for_choosing_a_threshold(trained: tuple[Path, str]) -> None:
    header, *rows = (trained[0] / "output" / "data" / "out_of_fold.csv").read_text().splitlines()
    assert header == "file,class,across,down"
    assert len(rows) == 40
    for row in rows:
        assert sum(map(float, row.split(",")[2:])) == pytest.approx(1, abs=1e-5)


def test_training_leaves_what_the_finished_model_answers_of_the_validation_images(
    trained: tuple[Path, str], port: int
) -> None:
    base, log = trained
    judged = parse_judged((base / "output" / "data" / TEST_FILE).read_text(), "the job")
    assert [(one.file, one.truth) for one in judged] == [(f"{index}.png", LABELS[index % 2]) for index in range(20)]
    assert f"validation-accuracy={sum(one.right for one in judged) / 20:.4f}" in log
    release = json.loads((base / "model" / "model.json").read_text())["release"]
    for one in judged:
        content = (base / "input" / "data" / "validation" / one.file).read_bytes()
        assert one.sha256 == hashlib.sha256(content).hexdigest()
        assert one.answer.release == release
        served = parse_answer(ask(port, "POST", "/invocations", content)[1])
        assert served.probabilities == pytest.approx(one.answer.probabilities, abs=1e-5)


def test_the_same_job_gives_the_same_bytes_on_any_number_of_threads(trained: tuple[Path, str], tmp_path: Path) -> None:
    again = job(tmp_path / "again")
    assert run_train(again, OPENBLAS_NUM_THREADS="1").returncode == 0
    for name in ("model.npz", "model.json", "network.onnx", "network.LICENSE"):
        assert (again / "model" / name).read_bytes() == (trained[0] / "model" / name).read_bytes()


def test_serving_needs_nothing_that_only_made_the_network(trained: tuple[Path, str]) -> None:
    code = "import sys; sys.modules['onnx'] = None; import serve; serve.Model.load(serve.base() / 'model')"
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(trained[0])}
    subprocess.run([sys.executable, "-c", code], cwd=PROGRAM, env=environment, check=True, timeout=LONGEST_SECONDS)


def test_a_failed_job_says_why_and_leaves_no_model(tmp_path: Path) -> None:
    base = job(tmp_path / "ml")
    (base / "input" / "data" / "train" / "3.png").write_bytes(b"")
    done = run_train(base)
    assert done.returncode == 1
    reason = (base / "output" / "failure").read_text()
    assert reason == "The image 3.png of channel train can't be used: The image is empty (0 bytes)."
    assert reason in done.stdout
    assert "Traceback" not in done.stderr
    assert not (base / "model").exists()


@pytest.mark.parametrize("content_type", ["image/png", "application/x-image", "IMAGE/PNG; charset=binary"])
@pytest.mark.parametrize("label", [0, 1])
def test_an_image_gets_a_probability_for_each_label(port: int, content_type: str, label: int) -> None:
    status, body = ask(port, "POST", "/invocations", png(stripes(label, 5)), content_type)
    assert status == 200
    answer = parse_answer(body)
    assert answer.label == LABELS[label]
    assert answer.confidence > 0.5


def test_the_answer_describes_the_model_that_gives_it(trained: tuple[Path, str], port: int) -> None:
    record = json.loads((trained[0] / "model" / "model.json").read_text())
    answer = parse_answer(ask(port, "POST", "/invocations", png(stripes(0, 5)))[1])
    assert answer.describes_itself
    assert (answer.labels, answer.release) == (LABELS, record["release"])
    assert (answer.threshold, answer.familiarity_limit) == (record["threshold"]["value"], 0.05)
    assert answer.familiarity is not None
    assert answer.familiarity > 0.05
    other = Image.effect_mandelbrot((32, 32), (-3, -2.5, 2, 2.5), 100)
    unlike = parse_answer(ask(port, "POST", "/invocations", png(other))[1])
    assert unlike.familiarity is not None
    assert unlike.familiarity < 0.05


@pytest.mark.parametrize(("attributes", "explained"), [("explain", True), (None, False), ("trace=explain", False)])
def test_an_explanation_is_given_where_it_is_asked_for(port: int, attributes: str | None, explained: bool) -> None:
    plain = parse_answer(ask(port, "POST", "/invocations", png(stripes(1, 5)))[1])
    answer = parse_answer(ask(port, "POST", "/invocations", png(stripes(1, 5)), attributes=attributes)[1])
    assert (answer.explanation is not None) is explained
    assert replace(answer, explanation=None) == plain
    if answer.explanation is not None:
        assert sum(map(sum, answer.explanation)) == pytest.approx(1, abs=0.01)


def test_a_jpeg_and_a_larger_image_are_taken_too(port: int) -> None:
    larger = stripes(1, 6).resize((200, 200))
    status, body = ask(port, "POST", "/invocations", png(larger, "JPEG"), "image/jpeg")
    assert status == 200
    assert parse_answer(body).label == LABELS[1]


@pytest.mark.parametrize(
    ("method", "path", "body", "content_type", "status", "reason"),
    [
        ("POST", "/invocations", b"a,b", "text/csv", 415, b"'text/csv' is not served"),
        ("POST", "/invocations", png(stripes(0, 1)), "", 415, b"'' is not served"),
        ("POST", "/invocations", b"", "image/png", 400, b"empty"),
        ("POST", "/invocations", b"text", "image/png", 400, b"not a PNG or JPEG"),
        ("POST", "/invocations", png(stripes(0, 1))[:-40], "image/png", 400, b"damaged"),
        ("POST", "/invocations", bytes(MAX_BODY), "image/png", 400, b"not a PNG or JPEG"),
        ("POST", "/invocations", bytes(MAX_BODY + 1), "image/png", 413, b"6291457 bytes"),
        ("POST", "/elsewhere", png(stripes(0, 1)), "image/png", 404, b"/elsewhere"),
        ("GET", "/invocations", None, "image/png", 404, b"/ping"),
    ],
    ids=["csv", "no-type", "empty", "text", "truncated", "largest-body", "too-large", "wrong-path", "get"],
)
def test_what_it_cannot_take_is_refused_with_one_line(
    port: int, method: str, path: str, body: bytes | None, content_type: str, status: int, reason: bytes
) -> None:
    answered, said = ask(port, method, path, body, content_type)
    assert answered == status
    assert reason in said
    assert said.count(b"\n") == 1
    assert said.endswith(b"\n")


def test_a_body_without_a_length_is_refused(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Transfer-Encoding", "chunked")
        # No chunk follows: the answer to the headers ends the connection, and what is sent then is lost.
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 411
        assert answer.headers["Connection"] == "close"


def test_one_connection_serves_many_requests_also_after_a_refusal(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LONGEST_SECONDS)) as connection:
        connection.connect()
        opened = connection.sock
        statuses = []
        for body in (png(stripes(0, 1)), b"text", png(stripes(1, 1))):
            connection.request("POST", "/invocations", body, {"Content-Type": "image/png"})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        assert statuses == [200, 400, 200]
        assert connection.sock is opened


def test_requests_side_by_side_get_each_their_own_answer(port: int) -> None:
    bodies = [png(stripes(index % 2, index)) for index in range(24)]
    alone = [ask(port, "POST", "/invocations", body) for body in bodies]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda body: ask(port, "POST", "/invocations", body), bodies))
    assert together == alone
    assert len(set(together)) == 24


@pytest.mark.drill("Interruptions")
def test_it_ends_cleanly_when_the_container_is_stopped(trained: tuple[Path, str]) -> None:
    with serving(trained[0]) as (_, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=LONGEST_SECONDS) == 0


@pytest.mark.drill("Torn files and full disks")
def test_it_does_not_serve_a_damaged_model(trained: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(trained[0] / "model", tmp_path / "model")
    (tmp_path / "model" / "model.npz").write_bytes(b"PK")
    with serving(tmp_path) as (_, process):
        assert process.returncode == 1
