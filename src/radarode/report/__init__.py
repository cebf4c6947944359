"""Draw reconstructions and write the evaluation report (matplotlib's object interface, no global figures)."""

from radarode.report.page import ReportCase, write_report
from radarode.report.strip import plot_reconstruction

__all__ = ["ReportCase", "plot_reconstruction", "write_report"]
