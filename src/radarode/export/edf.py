"""EDF+: one signal with beats and gaps as annotations, no patient data.

EDF has no missing samples. A gap is written as zeros under an annotation `gap: not reconstructed` of its
length; so is the padding that fills the last data record of 1 s.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE, SHORT_NOTICE
from radarode.core.types import ReconstructedEcg
from radarode.export.about import SIMULATED_TEXT, About

BEAT_TEXT = "R peak"
GAP_TEXT = "gap: not reconstructed"
PADDING_TEXT = "padding: after the end"
_RANGE_MV = (-3.2768, 3.2767)
_RECORD_S = 1.0


def write_edf(folder: Path | str, name: str, ecg: ReconstructedEcg, about: About | None = None) -> tuple[Path, ...]:
    """Write `name`.edf into `folder`, replacing an old one.

    Args:
        folder: an existing folder.
        name: file name without its suffix.
        ecg: what to write; values beyond ±3.27 nominal mV are clipped. Beats
            outside the signal are left out.
        about: what the file says beyond it; its events become annotations.

    Returns:
        The one file.

    Raises:
        FileNotFoundError: the folder does not exist.
        InputError: the sampling rate is not a whole number of Hz.
    """
    import edfio

    per_record = round(ecg.fs_hz * _RECORD_S)
    if per_record != ecg.fs_hz * _RECORD_S or per_record < 1:
        raise InputError.of("fs_hz", "a whole number of Hz for EDF", ecg.fs_hz)
    values = np.nan_to_num(np.asarray(ecg.ecg, np.float64), nan=0.0)
    padding = math.ceil(max(len(values), 1) / per_record) * per_record - len(values)
    signal = edfio.EdfSignal(
        np.clip(np.pad(values, (0, padding)), *_RANGE_MV),
        ecg.fs_hz,
        label="ECG nominal",
        transducer_type="reconstructed from chest motion, not measured",
        physical_dimension="mV",
        physical_range=_RANGE_MV,
        prefiltering="not for diagnosis; 1 mV is the range of one cycle",
    )
    edf = edfio.Edf(
        [signal],
        patient=edfio.Patient(),
        recording=edfio.Recording(equipment_code="radarode", additional=SHORT_NOTICE.split()),
        data_record_duration=_RECORD_S,
        annotations=_annotations(ecg, padding, about or About()),
    )
    path = Path(folder) / f"{name}.edf"
    with atomic_path(path) as temporary:
        edf.write(temporary)
    return (path,)


def _annotations(ecg: ReconstructedEcg, padding: int, about: About) -> list:
    import edfio

    notes = [edfio.EdfAnnotation(0.0, None, NOTICE)]
    notes += [edfio.EdfAnnotation(0.0, None, SIMULATED_TEXT)] if about.simulated else []
    notes += [edfio.EdfAnnotation(round(at_s, 4), None, text) for at_s, text in about.events if at_s >= 0]
    notes += [
        edfio.EdfAnnotation(round(float(r), 4), None, BEAT_TEXT) for r in ecg.beats.r_s if 0 <= r < ecg.duration_s
    ]
    notes += [
        edfio.EdfAnnotation(round(float(start), 4), round(float(end - start), 4), GAP_TEXT) for start, end in ecg.gaps_s
    ]
    if padding:
        notes.append(edfio.EdfAnnotation(ecg.duration_s, padding / ecg.fs_hz, PADDING_TEXT))
    return sorted(notes, key=lambda note: note.onset)
