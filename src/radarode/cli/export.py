"""`radarode export`: weights for other programs and smaller machines: one ONNX file, or half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter


def export(
    out: Annotated[Path, Parameter(help="NAME.onnx: an ONNX file. Any other name: a folder of weights.")],
    *,
    weights: Annotated[str, Parameter(help="A folder of weights, or 'default'.")] = "default",
    dtype: Annotated[
        Literal["float32", "float16", "bfloat16"],
        Parameter(help="What the weights are kept in; computing stays float32. An ONNX file cannot have bfloat16."),
    ] = "float32",
    format: Annotated[
        Literal["native", "grid-sample"],
        Parameter(help="Deformable convolution as DeformConv (opset 19), or through GridSample (opset 18). ONNX only."),
    ] = "native",
    channels: Annotated[
        str, Parameter(help="A number of channels to fix, or 'any' where the network takes any. ONNX only.")
    ] = "any",
    with_scaling: Annotated[
        bool, Parameter(help="The ONNX file takes magnitudes and scales them; otherwise it takes scaled windows.")
    ] = True,
    overwrite: Annotated[bool, Parameter(help="Replace what stands at OUT.", negative="")] = False,
) -> None:
    """Write weights as one ONNX file that runs without torch, or as a folder in half precision.

    `radarode reconstruct --weights` takes both back. An ONNX file needs radarODE-MTL weights and the extra `onnx`:
    pip install radarode[onnx].
    """
    from rich.console import Console

    from radarode.core.errors import InputError
    from radarode.models.pretrained import load_model

    if out.suffix == ".onnx":
        lines = _export_onnx(out, weights, _options(dtype, format, channels, with_scaling), overwrite=overwrite)
    elif (format, channels, with_scaling) != ("native", "any", True):
        raise InputError(f"{out} is to be a folder, where --format, --channels and --with-scaling mean nothing.")
    else:
        lines = _export_folder(out, load_model(weights), dtype, overwrite=overwrite)
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n".join([*lines, f"written to {out}"]), markup=False)


def _options(dtype: Any, deform: Any, channels: str, with_scaling: bool) -> Any:
    from radarode.core.errors import InputError
    from radarode.export.onnx import OnnxOptions

    if channels != "any" and not (channels.isdecimal() and channels.isascii() and len(channels) < 6):
        raise InputError.of("channels", "a number or 'any'", repr(channels))
    return OnnxOptions(deform, dtype, None if channels == "any" else int(channels), with_scaling)


def _export_onnx(out: Path, weights: str, options: Any, *, overwrite: bool) -> list[str]:
    from radarode.cli._progress import working
    from radarode.core.files import refuse_existing_file
    from radarode.export.onnx import export_onnx, trained_on
    from radarode.models.pretrained import load_model

    refuse_existing_file(out, overwrite=overwrite)
    loaded = load_model(weights)
    with working("exporting"):
        report = export_onnx(out, loaded, options)
    takes = "magnitudes" if options.with_scaling else f"windows scaled by {loaded.scaling}"
    config = loaded.model.config
    channels = report.channels or "channel"
    return [
        f"{report.n_bytes / 1e6:.1f} MB, opset {report.opset}, {options.deform}, weights {options.dtype}",
        f"takes {takes} (window, {channels}, {config.rows}, {config.frames})",
        f"differs from torch by {max(report.difference.values()):.1e} of an output's range at most",
        trained_on(loaded.facts),
    ]


def _export_folder(out: Path, loaded: Any, dtype: str, *, overwrite: bool) -> list[str]:
    import torch

    from radarode.core.files import refuse_existing
    from radarode.frameworks import framework_of
    from radarode.models.pretrained import WEIGHTS_FILE

    refuse_existing(out, overwrite=overwrite)
    framework = framework_of(loaded)
    framework.save(out, overwrite=overwrite, dtype=getattr(torch, dtype))
    return [f"{(out / WEIGHTS_FILE).stat().st_size / 1e6:.1f} MB, weights of {framework.title} in {dtype}"]
