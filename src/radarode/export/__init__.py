"""Write a reconstructed ECG for other programs: WFDB, EDF+ and CSV. Every file says that it is reconstructed."""

from pathlib import Path

from radarode.core.types import ReconstructedEcg
from radarode.export.edf import write_edf
from radarode.export.table import write_csv
from radarode.export.wfdb_record import write_wfdb


def write_all(folder: Path | str, name: str, ecg: ReconstructedEcg) -> tuple[Path, ...]:
    """Write every format into an existing folder and return the files."""
    return tuple(path for write in (write_wfdb, write_edf, write_csv) for path in write(folder, name, ecg))


__all__ = ["write_all", "write_csv", "write_edf", "write_wfdb"]
