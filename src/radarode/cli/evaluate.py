"""`radarode evaluate`: reconstruct recordings that have a reference ECG and score them in three columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion


def evaluate(
    *files: Annotated[Path, Parameter(help="Recordings, or folders of them, with a reference ECG.")],
    run: Annotated[Path | None, Parameter(help="Run folder: score its test subjects with its weights.")] = None,
    weights: Annotated[str | None, Parameter(help="A folder of weights, an exported .onnx, or 'default'.")] = None,
    snr_db: Annotated[float | None, Parameter(help="Add constant noise at this level to the motion.")] = None,
    movement_s: Annotated[float | None, Parameter(help="Add movement of this length in 20 % of the windows.")] = None,
    movement_db: Annotated[float, Parameter(help="Level of that movement: 0 mild, -9 extensive.")] = -9.0,
    seed: Annotated[int, Parameter(help="Of the added noise.")] = 1,
    fs: Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that do not carry one.")] = None,
    motion: Annotated[Motion | None, Parameter(help="What the sensor measured, for files that do not say.")] = None,
    out: Annotated[Path | None, Parameter(help="Folder to create for the HTML report and its tables.")] = None,
    json: Annotated[bool, Parameter(help="Print medians over the recordings as JSON.", negative="")] = False,
    overwrite: Annotated[bool, Parameter(help="Replace an existing report.", negative="")] = False,
) -> None:
    """Score reconstructions against their reference: deployable, calibrated and oracle, never mixed.

    deployable uses no reference; calibrated removes one delay measured on the first 20 s; oracle removes the delay of
    the whole recording, as published code does, and is for comparison only.
    """
    from rich.console import Console

    from radarode.core.allocator import keep_freed_memory
    from radarode.core.errors import InputError
    from radarode.core.files import new_folder, refuse_existing
    from radarode.frameworks import load_framework

    if (run is None) == (not files):
        raise InputError("name recordings to evaluate, or a run folder with --run, and not both.")
    if out is not None:
        refuse_existing(out, overwrite=overwrite)
    keep_freed_memory()
    chosen = weights or (str(run / "weights") if run is not None else "default")
    loaded = load_framework(chosen)
    recordings = _of_run(run) if run is not None else _of_files(files, fs, motion)
    noises = _noises(snr_db, movement_s, movement_db)
    cases = list(_cases(recordings, loaded, noises, seed, quiet=json))
    if out is not None:
        from radarode.report.page import write_report

        with new_folder(out, overwrite=overwrite) as folder:
            write_report(folder, cases)
    _print(Console(soft_wrap=True, highlight=False), cases, out, as_json=json)


def _of_files(files: tuple[Path, ...], fs: float | None, motion: str | None) -> Iterator[Any]:
    from radarode.data.load import load
    from radarode.experiment import find_recordings

    for source in files:
        for path in find_recordings(str(source)):
            yield load(path, fs_hz=fs, motion=motion)


def _of_run(run: Path) -> Iterator[Any]:
    from radarode.experiment import held_out_recordings

    return held_out_recordings(run)


def _noises(snr_db: float | None, movement_s: float | None, movement_db: float) -> list[Any]:
    from radarode.data.noise import Noise

    noises = []
    if snr_db is not None:
        noises.append(Noise("constant", snr_db))
    if movement_s is not None:
        noises.append(Noise("abrupt", movement_db, seconds=movement_s))
    return noises


def _cases(recordings: Iterator[Any], loaded: Any, noises: list[Any], seed: int, *, quiet: bool) -> Iterator[Any]:
    import numpy as np

    from radarode.cli._progress import working
    from radarode.core.errors import InputError
    from radarode.data.noise import noisy_recording
    from radarode.evaluation import evaluate as score
    from radarode.report.page import ReportCase

    for number, recording in enumerate(recordings):
        if recording.r_peaks_s is None and recording.ecg_mv is None:
            raise InputError(f"recording {recording.name} has no reference ECG; evaluation needs one.")
        rng = np.random.default_rng([seed, number])
        noisy = recording
        for noise in noises:
            noisy = noisy_recording(noisy, noise, rng)
        with working(f"recording {number + 1}: {recording.name}", quiet=quiet):
            ecg = loaded.reconstruct(noisy)
            yield ReportCase(noisy, ecg, score(ecg, noisy))


def _print(console: Any, cases: list[Any], out: Path | None, *, as_json: bool) -> None:
    from radarode.cli._tables import score_table
    from radarode.core.notice import SHORT_NOTICE
    from radarode.evaluation import as_json as plain
    from radarode.evaluation import summarise

    summary = summarise([(case.recording, case.scores) for case in cases])
    if as_json:
        console.print_json(data=plain(summary.overall))
        return
    simulated = sum(case.recording.simulated for case in cases)
    people = len(summary.subjects)
    kind = "all SIMULATED" if simulated == len(cases) else f"{simulated} of them SIMULATED" if simulated else "real"
    title = f"Medians over {len(cases)} recording(s) of {people} subject(s), {kind}"
    console.print(score_table(summary.overall, title))
    console.print(f"The ECG is {SHORT_NOTICE}.")
    if out is not None:
        console.print(f"report: {out / 'report.html'}")
