"""Turn a radarODE-MTL network into an ONNX graph."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Literal

import torch
from torch import Tensor, nn

from radarode.data.scaling import scale_windows
from radarode.models.deform import DeformConv2d, deform_conv2d
from radarode.tasks.length import READOUT_CLASSES, length_axis_s
from radarode.tasks.settings import TaskSettings

Deform = Literal["native", "grid-sample"]

OPSET = {"native": 19, "grid-sample": 18}
"""Oldest opset of each form: `DeformConv` came with 19; `GridSample` with 16, the exporter's oldest is 18."""

INPUT = "magnitudes"
OUTPUTS = ("shape", "length", "anchor", "length_s")

_WEIGHTS_FROM = 256
"""Initializers with so many values are weights, unless they are constants; smaller ones are kept whole."""


class OnnxFace(nn.Module):
    """Put scaling before a network and the readout of the length behind it.

    Args:
        model: the network.
        tasks: where the length axis starts.
        scaling: scaling to do inside; None takes scaled windows.
        deform: how deformable convolutions are written.
    """

    length_axis_s: Tensor

    def __init__(self, model: nn.Module, tasks: TaskSettings, scaling: str | None, deform: Deform) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        self.scaling = scaling
        self.register_buffer("length_axis_s", torch.from_numpy(length_axis_s(tasks)).float())
        if deform == "native":
            _replace_deformable(self.model)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map (window, channel, row, frame) to shape, length logits, anchor and the length in seconds (window,)."""
        outputs = self.model(x if self.scaling is None else scale_windows(x, self.scaling))
        return outputs.shape, outputs.length, outputs.anchor, self._length_s(outputs.length)

    def _length_s(self, logits: Tensor) -> Tensor:
        """Read the length off the logits as `tasks.length.decode_length` does."""
        probabilities = torch.softmax(logits, dim=1)
        classes = torch.arange(logits.shape[1])
        near = (classes - probabilities.argmax(dim=1, keepdim=True)).abs() <= READOUT_CLASSES
        weights = probabilities * near.to(probabilities.dtype)
        return (weights * self.length_axis_s).sum(dim=1) / weights.sum(dim=1)


class _NativeDeformConv2d(nn.Module):
    """Do what `DeformConv2d` does through the operator that becomes one ONNX node."""

    def __init__(self, original: DeformConv2d) -> None:
        super().__init__()
        self.weight, self.control = original.weight, original.control

    def forward(self, x: Tensor) -> Tensor:
        control = self.control(x)
        return _operator()(x, control[:, :18], torch.sigmoid(control[:, 18:]), self.weight)


def _replace_deformable(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, DeformConv2d):
            setattr(module, name, _NativeDeformConv2d(child))
        else:
            _replace_deformable(child)


@lru_cache(maxsize=1)
def _operator() -> Any:
    """Register the deformable convolution as one operator of torch, and return it."""

    @torch.library.custom_op("radarode::deform_conv2d", mutates_args=())
    def operator(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        return deform_conv2d(x, offset, mask, weight)

    @operator.register_fake
    def _(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
        return x.new_empty((x.shape[0], weight.shape[0], x.shape[2], x.shape[3]))

    return torch.ops.radarode.deform_conv2d.default


def _translate(x: Any, offset: Any, mask: Any, weight: Any) -> Any:
    """Write the operator as ONNX `DeformConv`, whose offsets are (Δrow, Δframe) per tap too."""
    from onnxscript import opset19

    return opset19.DeformConv(
        x, weight, offset, None, mask, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], dilations=[1, 1]
    )


def make_graph(face: OnnxFace, example: Tensor, deform: Deform, *, any_channels: bool) -> Any:
    """Return the ONNX model of a face, for any number of windows.

    Args:
        face: the network; it must have run once, so that constants that it keeps are real.
        example: (window, channel, row, frame) inputs, at least 2 windows and 2 channels.
        deform: how deformable convolutions are written.
        any_channels: leave the number of channels open.

    Returns:
        onnx.ModelProto without any trace of where it was made.
    """
    dims = {0: torch.export.Dim("window", min=1)}
    if any_channels:
        dims[1] = torch.export.Dim("channel", min=1)
    with _quiet():
        program = torch.onnx.export(
            face.eval().requires_grad_(False),
            (example,),
            dynamo=True,
            opset_version=OPSET[deform],
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=(dims,),
            custom_translation_table={_operator(): _translate} if deform == "native" else None,
            external_data=False,
            verbose=False,
        )
    assert program is not None  # dynamo=True returns one
    return _without_traces(program.model_proto)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what the exporter says about itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _without_traces(model: Any) -> Any:
    """Drop names of source files and modules, which the exporter writes into every node."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    graph.ClearField("value_info")
    model.ClearField("metadata_props")
    graph.name = "radarode"
    return model


def halve_weights(model: Any, constants: frozenset[str]) -> None:
    """Keep an ONNX model's weights as float16, in place; they are cast to float32 where they are used.

    Biases, norms and constants stay float32, and so does all computing.

    Args:
        model: onnx.ModelProto.
        constants: last parts of the names of buffers, which are no weights.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        small = tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _WEIGHTS_FROM
        last = tensor.name.rsplit(".", 1)[-1]
        if small or last in constants or last.startswith("lifted_tensor"):
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(half).all():
            from radarode.core.errors import InputError

            raise InputError(f"{name} holds weights too large for float16; export float32.")
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
