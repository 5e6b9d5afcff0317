"""The pretrained network, as an ONNX graph that travels with the model."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from classifier.errors import ModelError
from classifier.processors import cores

SIDE = 160
"""Width and height of the images that the network takes."""
CHANNELS = {5: 208, 4: 120, 3: 88}
"""Channels of the stages that describe an image, counted from 0."""
GRIDS = {5: 4, 4: 2, 3: 2}
"""Cells a side in which each stage is averaged."""
COLUMNS = sum(CHANNELS[stage] * cells**2 for stage, cells in GRIDS.items())
INPUT, OUTPUT = "image", "features"
ENDS = [(INPUT, "tensor(uint8)", ["n", SIDE, SIDE, 3]), (OUTPUT, "tensor(float)", ["n", COLUMNS])]
FILE, NOTICE_FILE = "network.onnx", "network.LICENSE"
MAX_BYTES = 16 << 20
"""Bytes of a file; the graph that training writes has less than half."""


class Network:
    """Describes images by numbers, the same wherever and together with whichever others an image is described.

    Attributes:
        record: name, source, licence and checksum, for the model's metadata
        files: the graph and the terms that it is distributed under, by the files' names
    """

    def __init__(self, graph: bytes, notice: bytes, origin: Mapping[str, str]) -> None:
        """Prepare an ONNX graph of that origin; ModelError says why it is none, or another than training writes."""
        self.record = {**origin, "sha256": hashlib.sha256(graph).hexdigest()}
        self.files = {FILE: graph, NOTICE_FILE: notice}
        options = onnxruntime.SessionOptions()
        # Images side by side, one thread each, take less time than threads within one, and give the same numbers.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        # The runtime's errors have no base of their own; what it was given is at fault.
        except Exception as error:
            raise ModelError(f"The network can't be read: {' '.join(str(error).split())[:200]}.") from error
        ends = [*self._session.get_inputs(), *self._session.get_outputs()]
        if [(end.name, end.type, end.shape) for end in ends] != ENDS:
            raise ModelError("The network takes other images or gives other features than this program's.")
        self._pool = ThreadPoolExecutor(cores())

    @classmethod
    def load(cls, directory: Path, record: object) -> "Network":
        """Read the network of a model directory, whose metadata has this record of it.

        Raises:
            ModelError: the record or a file is missing, too large, damaged or not the one that the record names.
        """
        if not isinstance(record, dict) or not all(isinstance(value, str) for value in record.values()):
            raise ModelError(f"The model in {directory} doesn't say which network it needs.")
        try:
            graph, notice = _read(directory / FILE), _read(directory / NOTICE_FILE)
        except OSError as error:
            raise ModelError(f"The network in {directory} can't be read: {error}.") from error
        if hashlib.sha256(graph).hexdigest() != record.get("sha256"):
            raise ModelError(f"{directory / FILE} is not the network that the model was trained with.")
        return cls(graph, notice, record)

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe images and their mirror images, on all cores.

        Args:
            images: array of shape (n, SIDE, SIDE, 3), RGB; at least one

        Returns:
            array of shape (n, 2 * COLUMNS): sums, which don't change when the image is mirrored, then differences,
            which change sign
        """
        described = np.stack([*self._pool.map(self._describe, chain(images, images[:, :, ::-1]))])
        straight, mirrored = described[: len(images)], described[len(images) :]
        return np.concatenate([straight + mirrored, straight - mirrored], axis=1) * np.float32(np.sqrt(0.5))

    def _describe(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: np.ascontiguousarray(image[np.newaxis])})[0][0]
        return row


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes.")
    return path.read_bytes()
