"""Refuse ONNX files that `radarode export` did not write, before a runtime sees them.

A graph is a program. Only what an exported network needs is let through: standard operators from a list, no loops or
branches, no functions, no data outside the file. What is not bounded is the memory that a crafted graph can claim by
broadcasting.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from radarode.core.errors import InputError

MAX_ONNX_BYTES = 2**30
"""Largest file that is read; the published sizes take 0.15 GiB."""

MAX_TEXT_BYTES = 2**20
"""Largest metadata, as for a config.json."""

_LIST = """
Abs Add ArgMax AveragePool BatchNormalization Cast Clip Concat Constant Conv ConvTranspose DeformConv Div Equal Exp
Expand Flatten Floor Gather Gemm Greater GreaterOrEqual GridSample GroupNormalization Identity InstanceNormalization
LeakyRelu Less LessOrEqual Log MatMul Max Min Mul Neg Not Pad Pow Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum
Relu Reshape Round Shape Sigmoid Slice Softmax Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze Where
"""
OPERATORS = frozenset(_LIST.split())
"""Operators of exported networks; none of them reads files, loops or branches."""


def require_packages(names: Iterable[str], what: str) -> None:
    """Raise `InputError` when packages of the extra `onnx` are missing.

    Args:
        names: the packages.
        what: what needs them.
    """
    for name in names:
        if find_spec(name) is None:
            raise InputError(f"{what} needs the package `{name}`: pip install radarode[onnx].")


def read_checked(path: Path) -> tuple[bytes, dict[str, str]]:
    """Return an ONNX file's bytes and its metadata, once it is one that may be run.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is too large, not ONNX, or holds what an exported network does not.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give a file that `radarode export` wrote.")
    if path.stat().st_size > MAX_ONNX_BYTES:
        raise InputError(f"{path} is larger than {MAX_ONNX_BYTES >> 20} MiB, so it is not an exported network.")
    require_packages(("onnx", "onnxruntime"), str(path))
    import onnx
    from google.protobuf.message import DecodeError

    data = path.read_bytes()
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        raise InputError(f"{path} is not an ONNX file, or is cut short.") from None
    _check_graph(model, path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if sum(len(key) + len(value) for key, value in metadata.items()) > MAX_TEXT_BYTES:
        raise InputError(f"{path} holds more than 1 MiB of metadata, so it is not an exported network.")
    return data, metadata


def _check_graph(model: Any, path: Path) -> None:
    graph = model.graph
    if not graph.node:
        raise InputError(f"{path} is not an ONNX file: it has no graph.")
    if len(model.functions) or len(model.training_info) or len(graph.sparse_initializer):
        raise InputError(f"{path} holds functions, training or sparse data, which an exported network does not.")
    if any(opset.domain not in ("", "ai.onnx") for opset in model.opset_import):
        raise InputError(f"{path} needs operators that are not standard ONNX, which an exported network does not.")
    for tensor in graph.initializer:
        _check_tensor(tensor, path)
    for node in graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            name = f"{node.domain}::{node.op_type}"[:60].removeprefix("::")
            raise InputError(f"{path} uses the operator {name!r}, which an exported network does not.")
        for attribute in node.attribute:
            if attribute.HasField("g") or len(attribute.graphs):
                raise InputError(f"{path} has a graph within its graph, which an exported network has not.")
            if attribute.HasField("sparse_tensor") or len(attribute.sparse_tensors):
                raise InputError(f"{path} has sparse data in a node, which an exported network has not.")
            for tensor in (*((attribute.t,) if attribute.HasField("t") else ()), *attribute.tensors):
                _check_tensor(tensor, path)


def _check_tensor(tensor: Any, path: Path) -> None:
    """Refuse data outside the file, which would be read from any place the file names."""
    if tensor.data_location or len(tensor.external_data):
        raise InputError(f"{path} keeps data in other files, which an exported network does not.")
