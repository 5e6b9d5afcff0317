"""What the algorithm costs: training as a job does it, and serve.py alone and under load."""

import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.box import MARKDOWN
from rich.table import Table

from benchmarks.load import Load, measure
from contracts.dataset import DatasetRecord
from local.sagemaker.container_client import reserve_port

PROGRAM = Path(__file__).parents[1] / "training" / "algorithms" / "mirror_ridge"
sys.path.insert(0, str(PROGRAM))

from classifier.model import Model  # noqa: E402 - the container's program is not installed

REPETITIONS = 5
CLIENTS = (8, 64, 8, 64)
"""In turn, so that what else the machine does is the same for both."""


def costs(dataset: DatasetRecord, out: Path, settings: Mapping[str, str], requests: int) -> Table:
    """Train on a data set staged in `out`, then serve the model to one client and, `requests` each, to many at once."""
    base = _job(dataset, out, settings)
    began = time.perf_counter()
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base)}
    subprocess.run([sys.executable, "train.py"], cwd=PROGRAM, env=environment, check=True)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    size = sum(path.stat().st_size for path in (base / "model").iterdir())

    table = Table("cost", "measured", box=MARKDOWN)
    table.add_row(f"training job, {dataset.count('train')} images, imports and reading included", f"{seconds:.1f} s")
    table.add_row("peak memory of training", f"{peak / 1e6:.0f} MB")
    table.add_row("model files", f"{size / 1e6:.1f} MB")
    files = [path.read_bytes() for path in sorted((base / "input" / "data" / "validation").iterdir())]
    throughput, work = _batch(Model.load(base / "model"), files)
    table.add_row(f"images in a batch, best of {REPETITIONS}", f"{throughput:.0f}/s")
    table.add_row("processor time of an image in a batch", f"{work * 1e3:.1f} ms")
    start, alone, loads = _serve(base, files, requests)
    table.add_row("serve.py, from start to /ping", f"{start:.2f} s")
    table.add_row("POST /invocations, median", f"{statistics.median(alone) * 1e3:.1f} ms")
    for load in loads:
        times = f"median {load.median * 1e3:.0f} ms, p99 {load.p99 * 1e3:.0f} ms"
        table.add_row(f"POST /invocations, {load.clients} clients at once", f"{load.throughput:.0f}/s, {times}")
    return table


def _job(dataset: DatasetRecord, out: Path, settings: Mapping[str, str]) -> Path:
    """Lay out the directories of a training job, and return their base."""
    base = out / "opt"
    (base / "input" / "config").mkdir(parents=True)
    (base / "input" / "data").mkdir()
    given = {"class_labels": ",".join(dataset.classes), **settings}
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(given))
    for channel, split in (("train", "train"), ("validation", "test")):
        folder = (out / dataset.folder).resolve()
        (base / "input" / "data" / channel).symlink_to(folder / split)
        (base / "input" / "data" / f"{channel}_lst").mkdir()
        (base / "input" / "data" / f"{channel}_lst" / f"{split}.lst").symlink_to(folder / f"{split}.lst")
    return base


def _batch(model: Model, files: Sequence[bytes]) -> tuple[float, float]:
    """Images a second, decoded beforehand, and the processor seconds of each."""
    images = np.stack([model.features.decode(file) for file in files])
    model.predict_proba(images[:2])
    began = time.process_time()
    rates = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        model.predict_proba(images)
        rates.append(len(images) / (time.perf_counter() - started))
    return max(rates), (time.process_time() - began) / REPETITIONS / len(images)


def _serve(base: Path, bodies: Sequence[bytes], requests: int) -> tuple[float, list[float], list[Load]]:
    """Seconds from the start of serve.py to its first answer and of each image sent to it alone; then under load."""
    reserved = reserve_port()
    port = reserved.getsockname()[1]
    bound = {"SAGEMAKER_BIND_TO_PORT": str(port), "SAGEMAKER_BIND_TO_ADDRESS": "127.0.0.1"}
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), **bound}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "serve.py"], cwd=PROGRAM, env=environment) as process:
        try:
            while not _answers(connection) and process.poll() is None:
                time.sleep(0.01)
            start = time.perf_counter() - began
            alone = [_request(connection, body) for body in bodies]
            connection.close()
            return start, alone, [measure(port, bodies, clients, requests) for clients in CLIENTS]
        finally:
            connection.close()
            process.terminate()
            reserved.close()


def _answers(connection: http.client.HTTPConnection) -> bool:
    try:
        connection.request("GET", "/ping")
    except ConnectionRefusedError:
        connection.close()
        return False
    connection.getresponse().read()
    return True


def _request(connection: http.client.HTTPConnection, body: bytes) -> float:
    began = time.perf_counter()
    connection.request("POST", "/invocations", body, {"Content-Type": "image/png"})
    json.loads(connection.getresponse().read())
    return time.perf_counter() - began
