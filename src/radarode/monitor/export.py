"""The last minutes of a stream as files: what a viewer downloads."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import ReconstructedEcg
from radarode.export import write_csv, write_edf, write_wfdb
from radarode.export.about import About
from radarode.monitor.watch import Watch

FORMATS: dict[str, Callable[..., tuple[Path, ...]]] = {"wfdb": write_wfdb, "edf": write_edf, "csv": write_csv}


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """Hold what is exported: a copy, so that files can be written while the stream goes on.

    Attributes:
        name: of the files, without suffix.
        start_s: stream time of the first sample.
        ecg: settled, so equal to the offline reconstruction.
        about: events and whether it was simulated.
    """

    name: str
    start_s: float
    ecg: ReconstructedEcg
    about: About

    @classmethod
    def of(cls, watch: Watch, minutes: float) -> Export:
        """Take the last minutes of a stream.

        Raises:
            InputError: no ECG has settled yet.
        """
        start_s, ecg = watch.history.ecg(minutes)
        if not len(ecg.ecg):
            raise InputError(f"{watch.name}: no ECG has settled yet. Try again in some seconds.")
        simulated = watch.facts is not None and watch.facts.simulated
        events = watch.history.events(start_s, start_s + ecg.duration_s)
        about = About(simulated, tuple((event.at_s - start_s, event.text) for event in events))
        label = re.sub(r"[^0-9A-Za-z]+", "-", watch.name).strip("-") or f"stream-{watch.number}"
        name = f"{label}-{'SIMULATED-' if simulated else ''}ecg"
        return cls(name, start_s, ecg, about)


@dataclass(frozen=True, slots=True)
class Download:
    """Hold a file to download."""

    name: str
    media_type: str
    body: bytes


def make_export(export: Export, kind: str) -> Download:
    """Return a stretch of ECG as one file: EDF+ as it is, the several files of WFDB and CSV in a ZIP archive.

    Args:
        export: what to write.
        kind: one of `FORMATS`.
    """
    with tempfile.TemporaryDirectory(prefix="radarode-") as folder:
        files = FORMATS[kind](folder, export.name, export.ecg, export.about)
        if kind == "edf":
            return Download(files[0].name, "application/octet-stream", files[0].read_bytes())
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            archive.writestr("README.txt", _readme(export))
            for file in files:
                archive.write(file, file.name)
    return Download(f"{export.name}-{kind}.zip", "application/zip", packed.getvalue())


def _readme(export: Export) -> str:
    source = "The motion is SIMULATED.\n" if export.about.simulated else ""
    return f"{NOTICE}\n{source}The first sample stands at {export.start_s:.3f} s of the stream.\n"
