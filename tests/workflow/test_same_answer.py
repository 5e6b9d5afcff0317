"""One file has one answer, whether a person asks by `predict`, one execution classifies it, or a batch."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import cli
from contracts.outcomes import CLASSIFIED
from inference.batch import run_batch
from inference.cases import Case
from inference.run import run_cases
from local import stack
from tests.images import HEIC, encoded
from tests.workflow.batches import put, request, rows_of
from tests.workflow.conftest import ENDPOINT, Deployed


def scene(width: int, height: int) -> Image.Image:
    rough = np.random.default_rng(5).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


FILES = {
    "of_96_pixels.png": encoded(scene(96, 96)),
    "large_and_turned.jpg": encoded(scene(1200, 900), "JPEG", exif=turned()),
    "of_a_telephone.heic": HEIC["turned"],
    "scanned.tif": encoded(scene(300, 500).convert("L"), "TIFF", compression="tiff_lzw"),
    "small.webp": encoded(scene(40, 25), "WEBP"),
}


@pytest.mark.usefixtures("images")
def test_a_file_has_the_same_probabilities_by_predict_by_run_and_by_batch(deployed: Deployed, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
        put(f"same/{name}", data)

    arguments = ["predict", str(folder), "--endpoint", ENDPOINT, "--json", "--out", str(deployed.out)]
    answered = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    by_predict = {Path(row["source"]).name: row for row in map(json.loads, answered.stdout.splitlines())}
    prefix = f"s3://{stack.BUCKET}/same/"
    again = CliRunner().invoke(cli.app, ["predict", prefix, *arguments[2:]], catch_exceptions=False)
    by_object = {Path(row["source"]).name: row for row in map(json.loads, again.stdout.splitlines())}

    cases = [Case(name, {"s3_bucket": stack.BUCKET, "s3_key": f"same/{name}"}, None, CLASSIFIED) for name in FILES]
    machine = deployed.stack.environment["WORKFLOW_STATE_MACHINE_ARN"]
    by_run = {one.case: one.inferences for one in run_cases(machine, cases, tmp_path)}

    by_batch = {
        row["s3_key"].removeprefix("same/"): row
        for row in rows_of(run_batch(request(deployed, prefix="same/"), tmp_path).folder)
    }

    for name in FILES:
        probabilities = by_predict[name]["probabilities"]
        assert probabilities == by_object[name]["probabilities"] == by_run[name], name
        assert float(by_batch[name]["confidence"]) == max(probabilities), name
