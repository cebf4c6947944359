"""`radarode reconstruct`: a recording of chest motion in, a long-term ECG out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion

FALLBACK = "classical"
"""Weights of the package that take any number of channels."""


def reconstruct(
    file: Annotated[Path, Parameter(help="A recording in any format that `radarode info` recognises.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to create for the exports.")],
    weights: Annotated[
        str, Parameter(help="A folder of weights, an exported .onnx, 'default' or 'classical'.")
    ] = "default",
    fallback: Annotated[
        bool, Parameter(help="Where the weights do not fit the recording, use the classical baseline.", negative="")
    ] = False,
    fs: Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that do not carry one.")] = None,
    motion: Annotated[Motion | None, Parameter(help="What the sensor measured, for files that do not say.")] = None,
    radar: Annotated[
        str | None,
        Parameter(help="The file is a raw capture of this radar: preset, TOML or .cfg; 'auto' if the file says it."),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the summary as JSON.", negative="")] = False,
    overwrite: Annotated[bool, Parameter(help="Replace an existing output folder.", negative="")] = False,
) -> None:
    """Turn a recording into an ECG: WFDB, EDF+, CSV, a picture, mechanical events and a JSON summary.

    mechanical.csv holds estimates of when the vibrations at ejection (v1) and valve closure (v2) come in each beat.

    The ECG and its beats do not depend on the reference ECG, if the file has one; the picture shows it, and PEP-like
    intervals are counted from it. The ECG is reconstructed, not measured; not for diagnosis.
    """
    from rich.console import Console

    from radarode.cli._progress import working
    from radarode.cli.extract import extract_recording
    from radarode.core.allocator import keep_freed_memory
    from radarode.core.files import new_folder, refuse_existing
    from radarode.data.capture import refuse_rate_only
    from radarode.data.load import load
    from radarode.frameworks import load_framework

    refuse_existing(out, overwrite=overwrite)
    keep_freed_memory()
    with working(f"reading {file.name}", quiet=json):
        recording = load(file, fs_hz=fs, motion=motion) if radar is None else extract_recording(file, radar)
        refuse_rate_only(recording, file)
        loaded = load_framework(weights)
    with working(f"reconstructing {recording.duration_s:.0f} s", quiet=json):
        ecg, reason = _reconstruct(loaded, recording, fallback=fallback)
    used = {"weights": weights if reason is None else FALLBACK, "fallback": reason}
    with new_folder(out, overwrite=overwrite) as folder:
        summary = _write(folder, recording, ecg, used)
    console = Console(soft_wrap=True, highlight=False)
    if json:
        console.print_json(data=summary)
    else:
        _tell(console, summary, out)


def _reconstruct(loaded: Any, recording: Any, *, fallback: bool) -> tuple[Any, str | None]:
    """Return the ECG and, where the classical baseline stood in, why."""
    from radarode.core.constants import FS_HZ, WINDOW_S
    from radarode.core.errors import InputError
    from radarode.frameworks import load_framework

    try:
        return loaded.reconstruct(recording), None
    except InputError as error:
        usable = recording.fs_hz == FS_HZ and recording.duration_s >= WINDOW_S
        if loaded.name == FALLBACK or not usable:
            raise
        if not fallback:
            hint = f"Or take the classical baseline, which needs no fit: --weights {FALLBACK}, or --fallback."
            raise InputError(f"{error} {hint}") from error
        return load_framework(FALLBACK).reconstruct(recording), str(error)


def _write(folder: Path, recording: Any, ecg: Any, used: dict[str, Any]) -> dict[str, Any]:
    import json

    from radarode.export import write_all
    from radarode.export.mechanical import write_mechanical_csv
    from radarode.reconstruction.mechanical import mechanical_beats
    from radarode.reconstruction.summary import summarise
    from radarode.report.strip import plot_reconstruction

    write_all(folder, "ecg", ecg)
    plot_reconstruction(folder / "ecg.png", ecg, recording)
    mechanical = mechanical_beats(recording, ecg.beats)
    write_mechanical_csv(folder / "mechanical.csv", mechanical)
    summary = {**summarise(recording, ecg), **used, "mechanical": mechanical.summary()}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1))
    return summary


def _tell(console: Any, summary: dict[str, Any], out: Path) -> None:
    if summary["fallback"] is not None:
        console.print(
            "The weights do not fit this recording, so the CLASSICAL BASELINE was used instead: no network; beats are "
            f"the recording's own, their shape is an average cycle. Reason: {summary['fallback']}",
            markup=False,
        )
    rate = summary["heart_rate_bpm"]
    console.print(
        f"{summary['beats']} beats in {summary['duration_s']:.0f} s"
        + (f", median heart rate {rate:.1f} bpm" if rate is not None else "")
        + f", {summary['coverage']:.0%} reconstructed, {len(summary['gaps_s'])} gap(s)"
        + (", from SIMULATED motion" if summary["simulated"] else "")
    )
    events = summary["mechanical"]
    if events["v1_v2_ms"] is not None:
        console.print(f"v1 to v2, an estimate: median {events['v1_v2_ms']['median']:.0f} ms (mechanical.csv)")
    console.print(f"{summary['notice']}\nwritten to {out}: WFDB, EDF+, CSV, mechanical.csv, ecg.png, summary.json")
