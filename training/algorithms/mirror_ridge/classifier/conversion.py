"""Makes the network: writes the part of EfficientNet-Lite2 that describes an image as an ONNX graph.

The network: Tan and Le, "EfficientNet", 2019, https://arxiv.org/abs/1905.11946; its Lite variants have no squeeze and
excitation, and ReLU6 as activation, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
Batch normalisation is folded into the convolution before it, weights are stored in half precision, and the head, which
tells ImageNet's classes, is left out.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from classifier.network import COLUMNS, GRIDS, INPUT, OUTPUT, SIDE, Network
from classifier.weights import LICENSE, NAME, SOURCE, Weights, read_package

REPEATS = (1, 3, 3, 4, 4, 5)
"""Blocks of each stage; the stage after them is left out."""
STRIDES = (1, 2, 2, 2, 1, 2)
STEM_STRIDE = 2
EPSILON = 1e-3
"""Of batch normalisation, as TensorFlow sets it."""
MEAN, DEVIATION = 127.0, 128.0
"""Of pixel values, as the network was trained."""
OPSET, IR_VERSION = 18, 9
"""ONNX 1.14 and later read them."""
MIN_HALVED = 64
"""Numbers of a tensor from which half precision saves space."""


@dataclass
class Graph:
    """Nodes and constants under construction."""

    weights: Weights
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Append a node and give the name of its output."""
        output = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [*inputs], [output], **attributes))
        return output

    def constant(self, name: str, values: NDArray[np.float32]) -> str:
        """Store numbers, many of them in half precision, and give the name of them in single precision."""
        if values.size < MIN_HALVED:
            self.constants.append(numpy_helper.from_array(values, name))
            return name
        self.constants.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        return self.add("Cast", f"{name}.half", to=TensorProto.FLOAT, name=name)

    def convolve(self, value: str, layer: str, norm: str, *, stride: int = 1, clipped: bool = True) -> str:
        """Convolution, batch normalisation and, where `clipped`, ReLU6."""
        kernel = self.weights[f"{layer}.weight"]
        gain = self.weights[f"{norm}.weight"] / np.sqrt(self.weights[f"{norm}.running_var"] + np.float32(EPSILON))
        folded = self.constant(f"{layer}.weight", kernel * gain[:, None, None, None])
        bias = self.constant(f"{norm}.bias", self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * gain)
        groups = len(kernel) if layer.endswith("_depthwise_conv") else 1
        convolved = self.add(
            "Conv",
            *(value, folded, bias),
            auto_pad="SAME_UPPER",
            group=groups,
            kernel_shape=kernel.shape[2:],
            strides=[stride, stride],
        )
        return self.add("Clip", convolved, "zero", "six") if clipped else convolved

    def block(self, value: str, number: int, stride: int, *, residual: bool) -> str:
        """Inverted residual block: expand, convolve each channel, project."""
        layer = f"_blocks.{number}."
        inner = value
        if f"{layer}_expand_conv.weight" in self.weights:
            inner = self.convolve(inner, f"{layer}_expand_conv", f"{layer}_bn0")
        inner = self.convolve(inner, f"{layer}_depthwise_conv", f"{layer}_bn1", stride=stride)
        inner = self.convolve(inner, f"{layer}_project_conv", f"{layer}_bn2", clipped=False)
        return self.add("Add", inner, value) if residual else inner


CHANGES = f"network.onnx was made from {SOURCE}: cut after its sixth stage, in half precision.\n\n"


def pretrained_network() -> Network:
    """The network with the weights that their package brings; DataError where it is not installed."""
    weights, notice = read_package()
    origin = {"name": NAME, "source": SOURCE, "license": LICENSE}
    return Network(to_onnx(weights), CHANGES.encode() + notice, origin)


def to_onnx(weights: Weights) -> bytes:
    """The feature network for images of shape (n, SIDE, SIDE, 3); the same weights give the same bytes."""
    graph = Graph(weights)
    for name, number in (("zero", 0), ("six", 6), ("mean", MEAN), ("deviation", DEVIATION)):
        graph.constant(name, np.array(number, np.float32))
    planes = graph.add("Transpose", graph.add("Cast", INPUT, to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    value = graph.add("Div", graph.add("Sub", planes, "mean"), "deviation")
    value = graph.convolve(value, "_conv_stem", "_bn0", stride=STEM_STRIDE)
    blocks, side, stages = 0, SIDE // STEM_STRIDE, []
    for repeats, stride in zip(REPEATS, STRIDES, strict=True):
        for repeat in range(repeats):
            value = graph.block(value, blocks, 1 if repeat else stride, residual=repeat > 0)
            blocks += 1
        side //= stride
        stages.append((value, side))
    averages = [graph.add("Flatten", _averaged(graph, *stages[stage], cells)) for stage, cells in GRIDS.items()]
    graph.add("Concat", *averages, axis=1, name=OUTPUT)
    return _serialised(graph)


def _averaged(graph: Graph, value: str, side: int, cells: int) -> str:
    """Means over windows, as many as there are cells; they overlap where the side is no multiple of the cells."""
    step = side // cells
    window = side - (cells - 1) * step
    return graph.add("AveragePool", value, kernel_shape=[window, window], strides=[step, step])


def _serialised(graph: Graph) -> bytes:
    images = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", SIDE, SIDE, 3])
    features = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", COLUMNS])
    body = helper.make_graph(graph.nodes, "efficientnet-lite2", [images], [features], graph.constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
