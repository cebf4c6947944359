"""`radarode reconstruct`: a recording of chest motion in, a long-term ECG out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion


def reconstruct(
    file: Annotated[Path, Parameter(help="A recording in any format that `radarode info` recognises.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to create for the exports.")],
    weights: Annotated[str, Parameter(help="A folder of weights, or 'default'.")] = "default",
    fs: Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that do not carry one.")] = None,
    motion: Annotated[Motion | None, Parameter(help="What the sensor measured, for files that do not say.")] = None,
    json: Annotated[bool, Parameter(help="Print the summary as JSON.", negative="")] = False,
    overwrite: Annotated[bool, Parameter(help="Replace an existing output folder.", negative="")] = False,
) -> None:
    """Turn a recording into an ECG: WFDB, EDF+, CSV, a picture and a JSON summary.

    Nothing looks at the reference ECG, if the file has one. The ECG is reconstructed, not measured; not for diagnosis.
    """
    from rich.console import Console

    from radarode.cli._progress import working
    from radarode.core.allocator import keep_freed_memory
    from radarode.core.files import new_folder, refuse_existing
    from radarode.data.load import load
    from radarode.frameworks import load_framework

    refuse_existing(out, overwrite=overwrite)
    keep_freed_memory()
    with working(f"reading {file.name}", quiet=json):
        recording = load(file, fs_hz=fs, motion=motion)
        loaded = load_framework(weights)
    with working(f"reconstructing {recording.duration_s:.0f} s", quiet=json):
        ecg = loaded.reconstruct(recording)
    with new_folder(out, overwrite=overwrite) as folder:
        summary = _write(folder, recording, ecg, weights)
    console = Console(soft_wrap=True, highlight=False)
    if json:
        console.print_json(data=summary)
    else:
        _tell(console, summary, out)


def _write(folder: Path, recording: Any, ecg: Any, weights: str) -> dict[str, Any]:
    import json

    from radarode.export import write_all
    from radarode.reconstruction.summary import summarise
    from radarode.report import plot_reconstruction

    write_all(folder, "ecg", ecg)
    plot_reconstruction(folder / "ecg.png", ecg, recording)
    summary = {**summarise(recording, ecg), "weights": weights}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1))
    return summary


def _tell(console: Any, summary: dict[str, Any], out: Path) -> None:
    rate = summary["heart_rate_bpm"]
    console.print(
        f"{summary['beats']} beats in {summary['duration_s']:.0f} s"
        + (f", median heart rate {rate:.1f} bpm" if rate is not None else "")
        + f", {summary['coverage']:.0%} reconstructed, {len(summary['gaps_s'])} gap(s)"
        + (", from SIMULATED motion" if summary["simulated"] else "")
    )
    console.print(f"{summary['notice']}\nwritten to {out}: WFDB, EDF+, CSV, ecg.png, summary.json")
