"""Read and report synthetic captured data: python -m benchmarks.monitoring.

Writes capture files as an endpoint does, a few records each, and a baseline; then runs `workflow report --from-folder`
on them, drift included, as a process of its own. Prints its seconds and peak memory for each number of records.
"""

import argparse
import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from monitoring.drift.baseline import BASELINE_FILE, Baseline
from monitoring.drift.measures import MEASURES, measure
from monitoring.drift.window import Sample
from monitoring.report.page import REPORT_FILE

ROOT = Path(__file__).parents[1]
CLASSES = ("bicycle", "motorcycle")
ENDPOINT = "image-classification"
SIDE = 32
START = datetime(2026, 1, 5, tzinfo=UTC)
SECONDS_APART = 6
# The images repeat after so many: drawing them is not what is measured.
DISTINCT_IMAGES = 500
THRESHOLD = 0.8
MIB = 1024 * 1024


def pictures(random: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Smooth random images, of shape (DISTINCT_IMAGES, SIDE, SIDE, 3)."""
    coarse = random.integers(0, 256, (DISTINCT_IMAGES, 8, 8, 3), dtype=np.uint8)
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for image in coarse]
    )


def lines(count: int, images: list[str], random: np.random.Generator) -> Iterator[tuple[datetime, str]]:
    """*count* records in order of time, as SageMaker writes them."""
    for number in range(count):
        moment = START + timedelta(seconds=SECONDS_APART * number)
        first = float(random.beta(0.5, 0.5))
        record = {
            "captureData": {
                "endpointInput": {
                    "observedContentType": "application/x-image",
                    "mode": "INPUT",
                    "data": images[number % len(images)],
                    "encoding": "BASE64",
                },
                "endpointOutput": {
                    "observedContentType": "application/json",
                    "mode": "OUTPUT",
                    "data": json.dumps([first, 1 - first]),
                    "encoding": "JSON",
                },
            },
            "eventMetadata": {
                "eventId": f"event-{number}",
                "inferenceId": f"inference-{number}",
                "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            },
            "eventVersion": "0",
        }
        yield moment, json.dumps(record) + "\n"


def write(out: Path, count: int, records_a_file: int) -> None:
    """Write capture files with *count* records to `<out>/capture`, and a baseline to *out*."""
    random = np.random.default_rng(0)
    drawn = pictures(random)
    encoded = []
    for image in drawn:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "PNG")
        encoded.append(base64.b64encode(buffer.getvalue()).decode())
    total = -(-count // records_a_file)
    records = lines(count, encoded, random)
    for number in track(range(total), f"Writing {count:,} records", transient=True):
        together = list(islice(records, records_a_file))
        moment = together[0][0]
        folder = out / "capture" / ENDPOINT / "AllTraffic" / f"{moment:%Y/%m/%d/%H}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{moment:%M-%S}-000-{number}.jsonl").write_text("".join(line for _, line in together))
    confidence = 0.5 + np.abs(random.beta(0.5, 0.5, 200) - 0.5)
    labels = tuple(CLASSES[code] for code in random.integers(len(CLASSES), size=200))
    sample = Sample(*measure(drawn, np.ones(len(drawn))), confidence, labels)
    baseline = Baseline("synthetic", ENDPOINT, CLASSES, SIDE, False, START.isoformat(), MEASURES, sample)
    (out / BASELINE_FILE).write_bytes(baseline.to_bytes())


def report(out: Path) -> tuple[float, float, float]:
    """Run the verb; its seconds, those that its cores were busy, and its peak memory in bytes."""
    command = ["report", "--from-folder", str(out / "capture"), "--threshold", str(THRESHOLD), "--out", str(out)]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "cli", *command], cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"The report failed with exit code {os.waitstatus_to_exitcode(status)}.")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 30_000, 100_000], help="numbers of records")
    parser.add_argument("--records-a-file", type=int, default=3, help="as small files as real endpoints write")
    options = parser.parse_args()
    table = Table("records", "seconds", "CPU seconds", "peak memory, MiB", "report.html, MiB")
    for count in options.records:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            write(out, count, options.records_a_file)
            seconds, busy, peak = report(out)
            size = (out / REPORT_FILE).stat().st_size
        figures = (f"{seconds:.1f}", f"{busy:.1f}", f"{peak / MIB:.0f}", f"{size / MIB:.1f}")
        table.add_row(f"{count:,}", *figures)
    Console().print(table)


if __name__ == "__main__":
    main()
