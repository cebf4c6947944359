"""WFDB: one signal (format 16) with its header, and beats as an annotation file `.qrs`.

The amplitude is nominal: 1 mV is the range of one cycle. Gaps hold the format's value for invalid samples
and are read back as NaN.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.notice import SHORT_NOTICE
from radarode.core.types import ReconstructedEcg
from radarode.export.about import SIMULATED_TEXT, About

ADC_UNITS_PER_MV = 10_000
ANNOTATION_EXTENSION = "qrs"
EVENT_EXTENSION = "evt"
_LIMIT_MV = 3.2


def write_wfdb(folder: Path | str, name: str, ecg: ReconstructedEcg, about: About | None = None) -> tuple[Path, ...]:
    """Write `name`.hea, `name`.dat and, where there are beats and events, `name`.qrs and `name`.evt into `folder`.

    Old files of these names are replaced.

    Args:
        folder: an existing folder.
        name: the record's name: letters, digits, hyphens and underscores.
        ecg: what to write; values beyond ±3.2 nominal mV are clipped, beats outside the signal left out.
        about: what the files say beyond it; its events become notes of an annotation file.

    Returns:
        The files, complete or not there at all.

    Raises:
        FileNotFoundError: the folder does not exist.
        InputError: the name is not one that WFDB allows.
    """
    import wfdb

    target = Path(folder)
    if not re.fullmatch(r"[-\w]+", name, re.ASCII):
        raise InputError.of("name", "letters, digits, hyphens and underscores for a WFDB record", repr(name))
    if not target.is_dir():
        raise FileNotFoundError(f"the folder {target} does not exist; create it first.")
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=target) as staging:
        wfdb.wrsamp(
            name,
            fs=ecg.fs_hz,
            units=["mV"],
            sig_name=["ECG reconstructed"],
            p_signal=np.clip(np.asarray(ecg.ecg, np.float64), -_LIMIT_MV, _LIMIT_MV)[:, None],
            fmt=["16"],
            adc_gain=[ADC_UNITS_PER_MV],
            baseline=[0],
            comments=_comments(ecg, about or About()),
            write_dir=staging,
        )
        samples = np.unique(np.rint(ecg.beats.r_s * ecg.fs_hz).astype(np.int64))
        samples = samples[(samples >= 0) & (samples < len(ecg.ecg))]
        if samples.size:
            wfdb.wrann(name, ANNOTATION_EXTENSION, samples, ["N"] * samples.size, fs=ecg.fs_hz, write_dir=staging)
        else:
            (target / f"{name}.{ANNOTATION_EXTENSION}").unlink(missing_ok=True)
        if not _write_events(staging, name, ecg, about or About()):
            (target / f"{name}.{EVENT_EXTENSION}").unlink(missing_ok=True)
        header_last = sorted(Path(staging).iterdir(), key=lambda file: file.suffix == ".hea")
        return tuple(file.replace(target / file.name) for file in header_last)


def _write_events(folder: str, name: str, ecg: ReconstructedEcg, about: About) -> bool:
    """Write the events within the signal; WFDB's notes are ASCII."""
    import wfdb

    events = sorted((round(at_s * ecg.fs_hz), text) for at_s, text in about.events)
    events = [(at, text.encode("ascii", "replace").decode()) for at, text in events if 0 <= at < len(ecg.ecg)]
    if events:
        at, notes = np.array([at for at, _ in events]), [text for _, text in events]
        wfdb.wrann(name, EVENT_EXTENSION, at, ['"'] * len(at), aux_note=notes, fs=ecg.fs_hz, write_dir=folder)
    return bool(events)


def _comments(ecg: ReconstructedEcg, about: About) -> list[str]:
    timing = f"a constant delay of {ecg.delay_s:.4f} s was removed" if ecg.calibrated else "timing not calibrated"
    return [
        f"{SHORT_NOTICE}; {SIMULATED_TEXT}" if about.simulated else SHORT_NOTICE,
        "amplitude is nominal: 1 mV is the range of one cycle",
        f"{len(ecg.beats)} beats; {len(ecg.gaps_s)} gaps are invalid samples; {timing}",
    ]
