"""Classify a batch on the local stack, with faults if asked: python -m benchmarks.batch --images 2000 --faults.

One image in twenty is broken, in six ways, and one in a hundred of the manifest's keys is missing; keys have spaces,
letters of all kinds, `+` and `%`. Prints what became of the images, how fast, and whose processor time it took.
"""

import argparse
import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from PIL import Image
from rich.console import Console
from rich.table import Table

from contracts.outcomes import CLASSIFIED, Outcome
from inference.batch import ACCOUNT_FILE, BATCHES
from inference.cases import png_bomb
from inference.ledger import LEDGER_FILE
from local import launch, stack
from training.datasets.sample import sample_archive
from training.deploy import deploy
from training.stage import stage
from training.train import train

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "photos/"
MANIFEST = "manifests/photos.csv"
ENDPOINT = "image-classification"
# Seconds into a batch with faults after which its driver is killed and run again.
KILLED_AFTER = 8
TICKS = os.sysconf("SC_CLK_TCK")
ODD_NAMES = ("a photo", "größe", "写真", "1+1", "50%", "50%25", "a&b=c", "é")


@dataclass(frozen=True)
class Photos:
    """What lies in the bucket: the manifest that names it all, and the error that each key must end with, or None."""

    manifest: str
    errors: Mapping[str, str | None]


@dataclass(frozen=True)
class Driven:
    """One `workflow batch`: how it ended, how long it took, and the most memory that it held, in bytes."""

    code: int
    said: str
    seconds: float
    peak: int


def put_photos(s3: "S3Client", images: Sequence[bytes], count: int, seed: int = 0) -> Photos:
    """Put `count` objects made of `images` under PREFIX, some of them broken, and a manifest of their keys."""
    chance = random.Random(seed)  # noqa: S311
    broken = list(broken_images(images[0]).items())
    errors: dict[str, str | None] = {}
    for number in range(count):
        key = f"{PREFIX}{number:06d} {chance.choice(ODD_NAMES)}.png"
        if number % 100 == 50:
            errors[key] = "ImageNotFound"
            continue
        name, body = broken[number // 20 % len(broken)] if number % 20 == 7 else ("", images[number % len(images)])
        errors[key] = ("ImageTooLarge" if name == "bomb" else "InvalidImage") if name else None
        s3.put_object(Bucket=stack.BUCKET, Key=key, Body=body)
    rows = io.StringIO()
    csv.writer(rows).writerows([("s3_bucket", "s3_key"), *((stack.BUCKET, key) for key in errors)])
    s3.put_object(Bucket=stack.BUCKET, Key=MANIFEST, Body=rows.getvalue().encode())
    return Photos(f"s3://{stack.BUCKET}/{MANIFEST}", errors)


def broken_images(image: bytes) -> dict[str, bytes]:
    """Six ways in which an image can be broken, by name."""
    animation = io.BytesIO()
    frames = [Image.new("L", (32, 32), shade) for shade in (0, 255)]
    frames[0].save(animation, "GIF", save_all=True, append_images=frames[1:])
    middle = len(image) // 2
    return {
        "truncated": image[:middle],
        "text": b"This is not an image.\n",
        "empty": b"",
        "bomb": png_bomb(),
        "animated": animation.getvalue(),
        "corrupt": image[:middle] + bytes(8) + image[middle + 8 :],
    }


@contextmanager
def deployed(folder: Path, concurrency: int) -> Iterator[tuple[stack.Running, list[bytes]]]:
    """Run a stack with an endpoint that knows the sample's classes; give it, and the test images."""
    with launch.running(stack.Options(logs=str(folder / "logs"), concurrency=concurrency)) as running:
        os.environ.update(running.environment)
        archive = sample_archive(folder, ("bicycle", "motorcycle"), counts={"train": 60, "test": 15})
        dataset = stage("cifar100", folder, bucket=stack.BUCKET, archive=archive, verify=False, name="small")
        model = train(dataset, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN, out=folder, quiet=True)
        deploy(model, endpoint_name=ENDPOINT, bucket=stack.BUCKET, role_arn=stack.ROLE_ARN)
        yield running, [path.read_bytes() for path in sorted((folder / dataset.folder / "test").iterdir())]


def start_driver(arguments: Sequence[str], out: Path) -> "subprocess.Popen[str]":
    """Start `workflow batch` in a process of its own."""
    command = [sys.executable, "-m", "cli", "batch", *arguments, "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=stack.ROOT)  # noqa: S603 - the repository's own


def drive(arguments: Sequence[str], out: Path) -> Driven:
    """Run `workflow batch` to its end."""
    began = time.monotonic()
    driver = start_driver(arguments, out)
    assert driver.stdout is not None
    said = driver.stdout.read()
    driver.stdout.close()
    _, status, usage = os.wait4(driver.pid, 0)
    driver.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Driven(driver.returncode, said, time.monotonic() - began, peak)


def kill_one_of_each(running: stack.Running) -> None:
    """Kill the endpoint's process and a worker of two functions, each as soon as there is one."""
    left = {ENDPOINT, "SerializeFunction", "ClassifyFunction"}
    while left:
        processes = running.processes()
        for name in [name for name in left if processes.get(name)]:
            with suppress(ProcessLookupError):
                os.kill(processes[name][0], signal.SIGKILL)
            left.remove(name)
        time.sleep(0.02)


def break_things(running: stack.Running, done: threading.Event) -> None:
    """Kill what runs after 3 and after 8 seconds, and throttle a fifth of the calls for 10 s."""
    for wait in (3, 5):
        if done.wait(wait):
            return
        kill_one_of_each(running)
    running.throttle(0.2, 10)


def processor_seconds(root: int) -> dict[str, float]:
    """Processor time of a process and all below it that live, by what they are."""
    parents, times, names = {}, {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            after = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            command = (entry / "cmdline").read_bytes().decode().split("\0")
            where = (entry / "cwd").readlink().name
        except OSError:
            continue  # It has ended since it was listed.
        pid = int(entry.name)
        parents[pid], times[pid] = int(after[1]), (int(after[11]) + int(after[12])) / TICKS
        names[pid] = where if "awslambdaric" in command else "stack" if "local.server" in command else "endpoint"
    total: Counter[str] = Counter()
    for pid, seconds in times.items():
        above = pid
        while above not in (root, 0):
            above = parents.get(above, 0)
        if above == root:
            total[names[pid]] += seconds  # type: ignore[assignment]  # a Counter of seconds
    return dict(total)


def account_of(out: Path) -> dict[str, Any]:
    """Return the account of the one batch below a folder."""
    (path,) = (out / BATCHES).glob(f"*/{ACCOUNT_FILE}")
    account: dict[str, Any] = json.loads(path.read_text())
    return account


def check(photos: Photos, out: Path) -> dict[str, Any]:
    """Compare the ledger with what was put into the bucket; give the account, or fail at the first row that's wrong."""
    folder = out / BATCHES / account_of(out)["id"]
    with (folder / LEDGER_FILE).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if Counter(row["s3_key"] for row in rows) != Counter(list(photos.errors)):
        raise SystemExit("The ledger's keys aren't those of the manifest, each once.")
    for row in rows:
        wanted = photos.errors[row["s3_key"]]
        right = row["outcome"] == Outcome.REJECTED if wanted else row["outcome"] in CLASSIFIED
        if not right or row["error"] != (wanted or ""):
            raise SystemExit(f"The ledger has {row}, and the error should be {wanted}.")
    return account_of(out)


def messages(queue: str) -> int:
    """Return how many different images wait in the review queue; fail if one waits twice."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    keys = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600).get("Messages"):
        keys += [json.loads(message["Body"])["s3_key"] for message in received]
    if len(keys) != len(set(keys)):
        raise SystemExit("An image waits for review more than once.")
    return len(keys)


def measure(options: argparse.Namespace, console: Console, folder: Path) -> None:
    """Run one batch and print what it took."""
    with deployed(folder, options.workers) as (running, images):
        photos = put_photos(boto3.client("s3"), images, options.images)
        arguments = ["--manifest", photos.manifest, "--max-concurrency", str(options.max_concurrency)]
        before, load, done = processor_seconds(running.pid), os.getloadavg()[0], threading.Event()
        if options.faults:
            threading.Thread(target=break_things, args=(running, done), daemon=True).start()
            killed = start_driver(arguments, folder)
            time.sleep(KILLED_AFTER)
            if killed.poll() is not None:
                raise SystemExit("The batch ended before its driver could be killed; ask for more --images.")
            killed.kill()
            killed.communicate()
        driven = drive(arguments, folder)
        done.set()
        after = processor_seconds(running.pid)
        console.print(driven.said, highlight=False)
        account = account_of(folder)
        if account["failed"]:
            console.print(drive(["--redrive", str(account["id"])], folder).said, highlight=False)
        account = check(photos, folder)
        if account["review"] != messages("ReviewQueue"):
            raise SystemExit("The review queue doesn't hold the images that the ledger sends to review.")
        spent = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    seconds = driven.seconds + (KILLED_AFTER if options.faults else 0)
    each = {name: used / options.images for name, used in sorted(spent.items(), key=lambda item: -item[1])}
    table = Table("measured", "")
    table.add_row("images a second", f"{options.images / seconds:.1f} (load {load:.1f} when it began)")
    table.add_row("driver, peak memory", f"{driven.peak / 1e6:.0f} MB")
    for name, used in (each | {"all": sum(each.values())}).items():
        table.add_row(f"processor time an image, {name}", f"{used * 1e3:.1f} ms")
    console.print(table)


def main() -> None:
    """Print the account of a batch and what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--faults", action="store_true", help="kill and throttle while it runs")
    parser.add_argument("--workers", type=int, default=4, help="workers of each function")
    parser.add_argument("--max-concurrency", type=int, default=2, help="children at once")
    with tempfile.TemporaryDirectory() as folder:
        measure(parser.parse_args(), Console(), Path(folder))


if __name__ == "__main__":
    main()
