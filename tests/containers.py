"""Small container programs that keep SageMaker's contracts, to train and serve whatever a test needs."""

import io
import json
import os
import tarfile
from dataclasses import asdict
from pathlib import Path

import boto3

from contracts.answer import Answer
from training.model import Model

LABELS = ("bicycle", "motorcycle")

# Trains by counting steps, one checkpoint each. `pause` is in seconds for each step; where a file is given as `until`,
# it stays at its first step until the file is there.
TRAIN = """
import json, os, sys, time
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
wanted = json.loads((base / "input/config/hyperparameters.json").read_text())
saved = base / "checkpoints/step"
first = int(saved.read_text()) if saved.exists() else 0
print(f"starts at step {first}", flush=True)
if "GREETING" in os.environ:
    print(os.environ["GREETING"], flush=True)
for step in range(first, int(wanted.get("steps", "1"))):
    print(f"Epoch[{step}] train-accuracy=0.75 validation-accuracy=0.50", flush=True)
    saved.write_text(str(step + 1))
    time.sleep(float(wanted.get("pause", "0")))
    while "until" in wanted and not Path(wanted["until"]).exists():
        time.sleep(0.01)
if "failure" in wanted:
    (base / "output/failure").write_text(wanted["failure"])
    sys.exit(3)
(base / "model/weights.json").write_text("[0.9, 0.1]")
"""

SERVE = """
import json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, b"")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        {how}

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

class Server(ThreadingHTTPServer):
    daemon_threads = True

address = os.environ["SAGEMAKER_BIND_TO_ADDRESS"], int(os.environ["SAGEMAKER_BIND_TO_PORT"])
Server(address, Handler).serve_forever()
"""

# Releases with labels and thresholds of their own, which are as sure of every image as each other.
OLD_RELEASE = Answer((0.85, 0.15), LABELS, "3fa4c0d1e2b7", 0.8, 0.41, 0.05)
NEW_RELEASE = Answer((0.1, 0.85, 0.05), ("tram", "bus", "car"), "b7e2d1c0a43f", 0.9, 0.41, 0.05)
# Says of itself what our algorithm does, and where it looked if it is asked to.
DESCRIBING = """answer = {"probabilities": [0.9, 0.1], "labels": ["bicycle", "motorcycle"], "release": "0123456789ab",
            "threshold": 0.8, "familiarity": 0.4, "familiarity_limit": 0.05}
        if self.headers["X-Amzn-SageMaker-Custom-Attributes"] == "explain":
            answer["explanation"] = [[0, 0.75], [0.25, 0]]
        self.answer(200, json.dumps(answer).encode())"""

SERVING = {
    # What is trained here has the recipe of the repository's own algorithm.
    "mirror_ridge": "self.answer(200, b'[0.9, 0.1]')",
    "better": "self.answer(200, b'[0.2, 0.8]')",
    "erring": "self.answer(500, b'out of memory')",
    "slow": "time.sleep(3.0); self.answer(200, b'[0.5, 0.5]')",
    "refusing": "self.answer(400, b'not an image')",
    "old_release": f"self.answer(200, {json.dumps(asdict(OLD_RELEASE)).encode()!r})",
    "new_release": f"self.answer(200, {json.dumps(asdict(NEW_RELEASE)).encode()!r})",
    "describing": DESCRIBING,
    "talking": "self.answer(200, b'hello')",
}


def write_programs(folder: Path) -> Path:
    """Write a program for each name of SERVING, and `broken`, which ends at once; return their folder."""
    for name, how in SERVING.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "train.py").write_text(TRAIN)
        (folder / name / "serve.py").write_text(SERVE.format(how=how))
    (folder / "broken").mkdir()
    (folder / "broken/train.py").write_text(TRAIN)
    (folder / "broken/serve.py").write_text("raise SystemExit('no weights')\n")
    return folder


def model_of(program: str) -> Model:
    """Return a trained model, an empty archive, that the program serves."""
    bucket, key = os.environ["WORKFLOW_BUCKET"], f"models/{program}/output/model.tar.gz"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz"):
        pass
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=archive.getvalue())
    return Model(
        training_job=program,
        algorithm=program,
        image=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{program}:latest",
        region="us-east-1",
        dataset="sample",
        dataset_sha256="0" * 64,
        labels=LABELS,
        max_side=32,
        exact=False,
        artifact=f"s3://{bucket}/{key}",
        metrics={"validation:accuracy": 0.5},
        billable_seconds=1,
    )
