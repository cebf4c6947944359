"""Subcommand `radarode simulate`: write simulated recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from radarode.core.types import Recording
    from radarode.simulate import RealBeats


def simulate(
    out: Path,
    *,
    subjects: int = 1,
    minutes: float | None = None,
    seed: int = 0,
    preset: Literal["mmecg", "training"] | None = None,
    status: Literal["NB", "IB", "PE", "SP"] | None = None,
    snr_db: float | None = None,
    channels: int = 50,
    movement: float | None = None,
    ectopic: float = 0.0,
    irregular: Annotated[bool, Parameter(negative=())] = False,
    beats: Path | None = None,
    beats_fs: float | None = None,
    format: Literal["native", "mat"] = "native",
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write recordings of virtual persons, one file each, into the new folder OUT.

    Args:
        out: folder to create.
        subjects: number of persons (without --preset), one recording each.
        minutes: length of each recording (default: 2, or the preset's own).
        seed: everything follows from it; person k of a seed is always the same.
        preset: mmecg (11 persons, 91 trials of 3 min) or training (240 persons, varied conditions).
        status: NB normal, IB irregular breathing, PE post-exercise, SP sleep (default: all, in turn).
        snr_db: level of the constant noise in 1-25 Hz, inf for none (default: the person's own, 0-15 dB).
        channels: observed points of the chest.
        movement: body movements a minute (default: the status's own rate).
        ectopic: premature beats a minute.
        irregular: atrial-fibrillation-like rhythm.
        beats: WFDB record, CSV table or other recording with a real ECG, whose beats give the ECG its shape; their
            times and all motion stay simulated.
        beats_fs: sampling rate of that ECG in Hz, for a CSV table without a time column.
        format: native (.h5), or mat: MMECG's 1.mat ... 91.mat, marked as simulated; with --preset mmecg only.
        overwrite: replace what stands at OUT.
    """
    from rich.console import Console
    from rich.progress import track

    from radarode.core.errors import InputError
    from radarode.core.files import new_folder, refuse_existing
    from radarode.data.mmecg_write import CHANNELS
    from radarode.simulate import Conditions, iter_recordings
    from radarode.simulate.cohort import choose_cohort

    if beats_fs is not None and beats is None:
        raise InputError("--beats-fs is the rate of an ECG. Add --beats FILE.")
    if format == "mat" and (preset != "mmecg" or channels != CHANNELS):
        raise InputError(f"--format mat is the layout of MMECG. Add --preset mmecg, with its {CHANNELS} channels.")
    refuse_existing(out, overwrite=overwrite)
    real = None if beats is None else real_beats(beats, beats_fs)
    conditions = Conditions(snr_db, channels, movement, ectopic, irregular, real)
    duration_s = _own_duration_s(format) if minutes is None else 60.0 * minutes
    cohort = choose_cohort(preset, seed, subjects, duration_s, status, conditions)
    seconds, n_beats = 0.0, 0
    progress = Console(stderr=True)
    with new_folder(out, overwrite=overwrite) as folder:
        recordings = track(iter_recordings(cohort), "simulating", cohort.n_recordings, console=progress, transient=True)
        for recording in recordings:
            _save(folder, recording, format)
            seconds += recording.duration_s
            n_beats += 0 if recording.r_peaks_s is None else len(recording.r_peaks_s)
    Console().print(
        f"{cohort.n_recordings} simulated recordings of {cohort.n_subjects} simulated persons, "
        f"{seconds / 60:.1f} min, {n_beats} beats, in {out}",
        soft_wrap=True,
        highlight=False,
    )


def _own_duration_s(format: str) -> float | None:
    """Return the length of MMECG's trials for its own layout, None (the cohort's own) otherwise."""
    from radarode.core.constants import FS_HZ
    from radarode.data.mmecg_write import SAMPLES

    return SAMPLES / FS_HZ if format == "mat" else None


def _save(folder: Path, recording: Recording, format: str) -> None:
    """Write one recording; a folder in MMECG's layout gets a file that says that it is simulated."""
    from radarode.core.mmecg import subject_of_trial
    from radarode.data.mmecg_write import README, SIMULATED_README, write_mmecg_mat
    from radarode.data.native import save_recording
    from radarode.simulate.cohort import person_of

    if format == "native":
        save_recording(folder / f"{recording.name}.h5", recording)
        return
    person = subject_of_trial(int(recording.trial))
    assert person is not None  # the preset has MMECG's trials
    gender = "boy" if person_of(int(recording.notes["seed"]), int(recording.notes["person"])).sex == "male" else "girl"
    write_mmecg_mat(folder / f"{recording.trial}.mat", recording, person, gender=gender)
    (folder / README).write_text(SIMULATED_README, encoding="utf-8")


def real_beats(path: Path, fs_hz: float | None = None) -> RealBeats:
    """Cut the real ECG of a file at its R peaks.

    Args:
        path: what `radarode.data.ecg.read_ecg` reads.
        fs_hz: rate, for tables that do not state it.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: no ECG, or fewer than three clean beats in it.
    """
    from radarode.core.errors import InputError
    from radarode.data.ecg import read_ecg
    from radarode.signal.peaks import detect_r_peaks
    from radarode.simulate import cut_beats

    ecg_mv, rate_hz = read_ecg(path, fs_hz)
    try:
        return cut_beats(ecg_mv, rate_hz, detect_r_peaks(ecg_mv, rate_hz))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
