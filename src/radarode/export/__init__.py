"""Write a reconstructed ECG for other programs: WFDB, EDF+ and CSV. Every file says that it is reconstructed."""

from radarode.export.edf import write_edf
from radarode.export.table import write_csv
from radarode.export.wfdb_record import write_wfdb

__all__ = ["write_csv", "write_edf", "write_wfdb"]
