"""`radarode extract`: a raw radar capture to a recording of chest motion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from radarode.core.types import Recording
    from radarode.radar.extracted import Extracted


def extract(
    file: Path,
    *,
    out: Path,
    radar: str | None = None,
    points: int = 50,
    exact: Annotated[bool, Parameter(negative=())] = False,
    range_m: Annotated[float | None, Parameter(name="--range")] = None,
    score: Literal["repetition", "template"] = "repetition",
    follow: bool = True,
    layout: str | None = None,
    max_lost: float = 0.2,
    max_saturated: float = 0.01,
    check: bool = True,
    from_first_packet: Annotated[bool, Parameter(negative=())] = False,
    subject: str = "unknown",
    pictures: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Find the person in a raw radar capture and write the motion of points on the chest as a native .h5.

    Range, focus (back-projection), points whose motion beats like a heart, phase. Below 100 frames/s the recording
    carries breathing and heart rate, and no ECG can be reconstructed from it.

    Args:
        file: DCA1000 .bin or packet log, CFT .npy, I/Q .mat, or Acconeer .h5.
        out: the native file to write; its name ends in .h5.
        radar: a preset's name, a TOML file or a TI .cfg; needed for files that do not describe their radar.
        points: most points to keep; fewer where the radar gives fewer independent signals.
        exact: keep exactly that many, for networks that read a fixed number of channels; some then repeat others.
        range_m: the person's range in metres (default: found by itself).
        score: how points are judged: repetition of the beat, or template matching by time warping.
        follow: search the focus anew every 10 s, for people who shift.
        layout: name of the file's layout, where several fit.
        max_lost: largest share of lost bytes that is accepted.
        max_saturated: largest share of samples at full scale that is accepted.
        check: refuse samples that fit another order or sample count far better.
        from_first_packet: start with the frame of a log's first packet, not at byte 0 of its stream.
        subject: who it is; recordings of one person share it.
        pictures: new folder for pictures of range, energy, points and one signal.
        overwrite: replace `out` and `pictures` if they exist.
    """
    from rich.console import Console

    from radarode.core.errors import InputError
    from radarode.core.files import refuse_existing, refuse_existing_file
    from radarode.data.native import SUFFIX

    if out.suffix.lower() != SUFFIX:
        raise InputError.of("out", f"a file name that ends in {SUFFIX}", str(out))
    refuse_existing_file(out, overwrite=overwrite)
    if pictures is not None:
        refuse_existing(pictures, overwrite=overwrite)
    options = {"layout": layout, "max_lost": max_lost, "max_saturated": max_saturated, "check": check}
    options |= {"from_first_packet": from_first_packet}
    found = _extract(
        file, radar, options, {"points": points, "exact": exact, "range_m": range_m, "score": score, "follow": follow}
    )
    _write(found, file, out, subject, pictures, overwrite)
    _tell(Console(soft_wrap=True, highlight=False), found, out, pictures)


def extract_recording(file: Path, radar: str) -> Recording:
    """Extract a recording from a raw capture with the default settings.

    Args:
        file: the capture.
        radar: a preset's name, a TOML file or a TI .cfg, or "auto" for files that describe their radar.
    """
    from radarode.data.capture import capture_to_recording

    return capture_to_recording(_extract(file, None if radar == "auto" else radar, {}, {}), trial=file.stem)


def _extract(file: Path, radar: str | None, options: dict[str, Any], settings: dict[str, Any]) -> Extracted:
    """Open and extract, with a progress bar on the error stream."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from radarode.core.errors import InputError
    from radarode.radar.capture import open_capture
    from radarode.radar.chain import extract_motion
    from radarode.radar.describe_file import radar_of
    from radarode.radar.extracted import ExtractSettings

    chosen = ExtractSettings(**settings)
    capture = open_capture(file, radar_of(file, radar), **options)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None)

        def watch(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        try:
            return extract_motion(capture, chosen, watch)
        except InputError as error:
            raise error if file.name in str(error) else InputError(f"{file}: {error}") from error


def _write(found: Extracted, file: Path, out: Path, subject: str, pictures: Path | None, overwrite: bool) -> None:
    from radarode.core.files import new_folder
    from radarode.data.capture import capture_to_recording
    from radarode.data.native import save_recording
    from radarode.report.radar_figures import save_radar_pictures

    recording = capture_to_recording(found, subject=subject, trial=file.stem)
    if pictures is not None:
        with new_folder(pictures, overwrite=overwrite) as folder:
            save_radar_pictures(folder, found)
    save_recording(out, recording)


def _tell(console: Console, found: Extracted, out: Path, pictures: Path | None) -> None:
    from rich.markup import escape

    simulated = "SIMULATED capture, " if found.simulated else ""
    where = f"person at {found.facts['person']}, " if "person" in found.facts else ""
    console.print(
        f"{simulated}{where}{len(found.positions_m)} points, "
        f"{found.displacement_m.shape[1] / found.fs_hz:.1f} s at {found.fs_hz:.4g} Hz"
    )
    if found.rates is not None:
        console.print(found.rates.line())
    for warning in found.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
    told = f"; pictures in {pictures}" if pictures is not None else ""
    console.print(escape(f"written to {out}{told}"))
