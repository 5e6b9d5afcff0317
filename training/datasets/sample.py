"""The sample data set: drawn scenes, in an archive of CIFAR-100's layout, so that the same code reads it."""

import gzip
import hashlib
import io
import pickle
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from training.datasets import scene, sketch
from training.datasets.cifar import FOLDER, ROW_BYTES
from training.datasets.collection import require_classes

SOURCE = "drawn sample"
# As few as show every outcome of the workflow: each image costs the demo time.
COUNTS = {"train": 250, "test": 50}
SEED = 20


def sample_archive(cache: Path, classes: Sequence[str], seed: int = SEED, counts: Mapping[str, int] = COUNTS) -> Path:
    """Give the path of the sample archive of some classes below `cache`, drawing it if it isn't there.

    The same classes, seed and counts (images of each class, by split) give the same bytes; a class's images are the
    same whatever is drawn beside it. The file is named for what made it, so a change of the drawing is never hidden by
    an older archive.

    Raises:
        UnknownClassError: nothing of that name can be drawn.
    """
    require_classes(classes, list(sketch.THINGS), f"the {SOURCE}")
    names = sorted(classes)
    code = b"".join(Path(file).read_bytes() for file in (__file__, scene.__file__, sketch.__file__))
    versions = f"{names} {seed} {dict(counts)} {PIL.__version__} {np.__version__}".encode()
    path = cache / f"sample-{hashlib.sha256(code + versions).hexdigest()[:16]}.tar.gz"
    if path.exists():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=cache, prefix=f".{path.name}-", delete=False) as partial:
        try:
            partial.write(_archive(names, seed, counts))
            partial.flush()
            Path(partial.name).replace(path)
        except BaseException:
            Path(partial.name).unlink()
            raise
    return path


def _archive(names: Sequence[str], seed: int, counts: Mapping[str, int]) -> bytes:
    members = {"meta": {b"fine_label_names": [name.encode() for name in names]}}
    members |= {split: _split(names, split, count, seed) for split, count in counts.items()}
    packed = io.BytesIO()
    # Times are left at zero, so that the same seed gives the same bytes. Noise hardly shrinks, however long one tries.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=1) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for name, content in members.items():
            data = pickle.dumps(content, protocol=3)  # The first that holds bytes without calling a function for them.
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _split(names: Sequence[str], split: str, count: int, seed: int) -> dict[bytes, Any]:
    """Draw `count` images of each thing, mixed."""
    place = [seed, list(COUNTS).index(split)]
    rngs = [np.random.default_rng([*place, list(sketch.THINGS).index(name)]) for name in names]
    labels = np.random.default_rng(place).permutation(np.repeat(np.arange(len(names)), count)).tolist()
    rows = np.empty((len(labels), ROW_BYTES), np.uint8)
    for row, label in enumerate(labels):
        rows[row] = np.asarray(scene.picture(names[label], rngs[label])).transpose(2, 0, 1).reshape(-1)
    files = [f"{names[label]}_{split}_{row:06}.png".encode() for row, label in enumerate(labels)]
    return {b"data": rows, b"fine_labels": labels, b"filenames": files}
