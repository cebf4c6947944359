"""Write a radarODE-MTL network as one ONNX file, which runs without torch and without this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from radarode.core.config import from_plain
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.core.version import __version__
from radarode.data.scaling import SCALINGS
from radarode.export.onnx_graph import INPUT, OPSET, Deform, OnnxFace, halve_weights, make_graph
from radarode.models.networks import DEFAULT_FRAMEWORK
from radarode.models.onnx_check import require_packages
from radarode.models.onnx_network import MAGNITUDES, ONNX_FORMAT, PREFIX, SCALED, SIZES
from radarode.models.pretrained import Pretrained, settings_text
from radarode.models.radarode_mtl import RadarOdeMtl
from radarode.tasks import TaskSettings

PACKAGES = ("onnx", "onnxscript", "onnxruntime")

TOLERANCE = {"float32": 1e-4, "float16": 2e-2}
"""Largest difference from the torch network, relative to an output's range, that an export may show; more only where
rounding to float32 makes as much in torch."""


@dataclass(frozen=True, slots=True)
class OnnxOptions:
    """Choose how a network is written.

    Attributes:
        deform: deformable convolutions as one `DeformConv` each (opset 19), or through `GridSample` (opset 18) for
            runtimes without it.
        dtype: what weights are kept in; computing is float32 either way.
        channels: fix the number of channels; None leaves it open where the network does.
        with_scaling: take raw magnitudes and scale them inside.
    """

    deform: Deform = "native"
    dtype: Literal["float32", "float16"] = "float32"
    channels: int | None = None
    with_scaling: bool = True

    def __post_init__(self) -> None:
        if self.deform not in OPSET:
            raise InputError.of("format", f"one of {', '.join(OPSET)}", repr(self.deform))
        if self.dtype not in TOLERANCE:
            raise InputError.of("dtype", f"one of {', '.join(TOLERANCE)} in an ONNX file", repr(self.dtype))
        if self.channels is not None and not 1 <= self.channels <= 1024:
            raise InputError.of("channels", "between 1 and 1024", self.channels)


@dataclass(frozen=True, slots=True)
class OnnxReport:
    """Say what was written.

    Attributes:
        n_bytes: size of the file.
        opset: ONNX operator set.
        channels: number of channels it takes; None is any.
        difference: by output, the largest difference from the torch network, relative to the output's range.
    """

    n_bytes: int
    opset: int
    channels: int | None
    difference: Mapping[str, float]


def export_onnx(path: Path | str, pretrained: Pretrained, options: OnnxOptions | None = None) -> OnnxReport:
    """Write a network as an ONNX file, whole or not at all, and compare it with the original.

    Args:
        path: the file; it is replaced if it is there.
        pretrained: loaded weights of radarODE-MTL.
        options: how; `None` takes the defaults.

    Raises:
        InputError: other weights, a channel count that they refuse, or packages are missing.
        RuntimeError: the file does not compute what the network does; nothing is written.
    """
    chosen = options or OnnxOptions()
    channels = _check(pretrained, chosen)
    require_packages(PACKAGES, "exporting to ONNX")
    scaling = pretrained.scaling if chosen.with_scaling else None
    tasks = from_plain(TaskSettings, pretrained.tasks)
    reference = OnnxFace(pretrained.model, tasks, scaling, "grid-sample").eval()
    example = _example(pretrained.model.config, channels or 3)
    with torch.inference_mode():
        wanted = reference(example)
    face = OnnxFace(pretrained.model, tasks, scaling, chosen.deform)
    graph = make_graph(face, example, chosen.deform, any_channels=channels is None)
    if chosen.dtype == "float16":
        halve_weights(graph, frozenset(name.rsplit(".", 1)[-1] for name, _ in reference.named_buffers()))
    _describe(graph, pretrained, chosen)
    data = graph.SerializeToString()
    difference = _difference(data, example, wanted)
    limits = _limits(reference, example, wanted, TOLERANCE[chosen.dtype])
    if not all(difference[task] <= limit for task, limit in limits.items()):
        raise RuntimeError(f"the exported graph differs from the network by {difference} of the outputs' ranges")
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)
    return OnnxReport(len(data), OPSET[chosen.deform], channels, difference)


def _check(pretrained: Pretrained, options: OnnxOptions) -> int | None:
    """Return the number of channels of the graph, once the weights can be exported so."""
    if pretrained.framework != DEFAULT_FRAMEWORK:
        raise InputError(
            f"weights of {pretrained.framework} cannot be written as ONNX; only {DEFAULT_FRAMEWORK}'s can."
        )
    if not isinstance(pretrained.model, RadarOdeMtl):
        raise InputError("these weights are an exported network already; export from the folder of weights.")
    if options.with_scaling and pretrained.scaling not in SCALINGS:
        raise InputError.of("scaling", f"one of {', '.join(SCALINGS)}", repr(pretrained.scaling))
    fixed = pretrained.model.config.channels
    if fixed is not None and options.channels not in (None, fixed):
        raise InputError.of("channels", f"{fixed}, which is what these weights take", options.channels)
    return fixed if fixed is not None else options.channels


def _example(config: Any, channels: int) -> Tensor:
    """Return magnitudes of 3 windows, some of them with a channel missing."""
    generator = torch.Generator().manual_seed(0)
    example = torch.rand(3, channels, config.rows, config.frames, generator=generator)
    if channels > 1:
        example[1, 0] = 0.0
    return example


def _describe(graph: Any, pretrained: Pretrained, options: OnnxOptions) -> None:
    """Write into the file what it is, what it takes and what its outputs mean."""
    words = {
        "format": ONNX_FORMAT,
        "version": __version__,
        "config": settings_text(pretrained.model, pretrained.described()),
        "input": MAGNITUDES if options.with_scaling else SCALED,
        "deform": options.deform,
        "weights": options.dtype,
        "training": trained_on(pretrained.facts),
        "notice": NOTICE,
    }
    for key, value in words.items():
        graph.metadata_props.add(key=PREFIX + key, value=value)
    graph.producer_name, graph.producer_version = "radarode", __version__
    graph.doc_string = f"{NOTICE} {words['training']}"


def trained_on(facts: Mapping[str, Any]) -> str:
    """Say in one line what weights were trained on.

    Example:
        >>> trained_on({"data": "simulate:training"})
        'Trained on SIMULATED recordings (simulate:training).'
    """
    data = facts.get("data")
    if not isinstance(data, str) or not data:
        return "What it was trained on is not stated."
    start = facts.get("start_from")
    after = f", starting from the weights {Path(start).name}" if isinstance(start, str) else ""
    if data.startswith("simulate:"):
        return f"Trained on SIMULATED recordings ({data}){after}."
    return f"Trained on the recordings {Path(data).name}{after}."


def _difference(data: bytes, example: Tensor, wanted: tuple[Tensor, ...]) -> dict[str, float]:
    """Run a graph and return the largest difference by output, relative to the output's range."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        what = f"onnxruntime {onnxruntime.__version__} cannot run the exported network: {str(error)[:200]!r}"
        raise InputError(f"{what}. Choose --format grid-sample, or a newer onnxruntime.") from None
    answers = session.run(list(SIZES), {INPUT: example.numpy()})
    pairs = zip(SIZES, map(np.asarray, answers), (one.numpy() for one in wanted[: len(SIZES)]), strict=True)
    return {task: relative_difference(got, value) for task, got, value in pairs}


def _limits(reference: OnnxFace, example: Tensor, wanted: tuple[Tensor, ...], tolerance: float) -> dict[str, float]:
    """Return the difference allowed by output: no less than rounding alone makes in torch, times five."""
    with torch.inference_mode():
        exact = reference.double()(example.double())
    pairs = zip(SIZES, wanted[: len(SIZES)], exact[: len(SIZES)], strict=True)
    return {
        task: max(tolerance, 5 * relative_difference(single.numpy(), double.numpy())) for task, single, double in pairs
    }


def relative_difference(got: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference relative to the range of `wanted`, or to a tenth of its size if that is more.

    Example:
        >>> round(relative_difference(np.array([0.0, 1.02]), np.array([0.0, 1.0])), 6)
        0.02
    """
    span = max(float(np.ptp(wanted)), 0.1 * float(np.abs(wanted).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(got - wanted).max()) / span
