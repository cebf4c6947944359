"""The report's part on mechanical events: a small table, and the average energy around R with the events marked."""

from __future__ import annotations

import html

import numpy as np
from matplotlib.figure import Figure

from radarode.core.constants import FS_HZ
from radarode.reconstruction.mechanical import MEANING, MechanicalBeats, mechanical_beats
from radarode.report import style
from radarode.report.figures import Drawing
from radarode.report.prepare import Prepared, origin

_ROWS = (
    ("r_to_v1_onset_ms", "R to v1 onset [ms]"),
    ("r_to_v1_peak_ms", "R to v1 peak (AO estimate) [ms]"),
    ("r_to_v2_onset_ms", "R to v2 onset [ms]"),
    ("r_to_v2_peak_ms", "R to v2 peak (AC estimate) [ms]"),
    ("v1_v2_ms", "v1 to v2 [ms]"),
    ("pep_like_ms", "reference R to AO (PEP-like) [ms]"),
    ("lvet_like_ms", "AO to AC (LVET-like) [ms]"),
)


def events_of(case: Prepared) -> MechanicalBeats | None:
    """Return the mechanical events of a case, from its beats as reconstructed; None for motion not at 200 Hz."""
    if case.case.recording.fs_hz != FS_HZ:
        return None
    return mechanical_beats(case.case.recording, case.case.ecg.beats)


def mechanical_figures(case: Prepared, events: MechanicalBeats | None, key: str) -> list[Drawing]:
    """Draw the average band energy around R with the median place of every event.

    Args:
        case: the case.
        events: its events; None gives no figure.
        key: goes into the file name.
    """
    if events is None:
        return []
    figure: Figure = style.new_figure(5.2, 2.8)
    title = f"Energy around R, {case.name}{origin([case])}: estimates"
    ax = style.tidy(figure.add_subplot(), title, "time from reconstructed R [ms]", "energy [× local median]")
    lag_ms = 1000.0 * events.lag_s
    ax.plot(lag_ms, events.average, color=style.RECONSTRUCTED, linewidth=1.6, label="average beat")
    ax.axvline(0.0, color=style.R_MARK, linewidth=1.2, label="R")
    for name, colour in (("v1", style.DEPLOYABLE), ("v2", style.REFERENCE)):
        for part, line in (("onset", ":"), ("peak", "-")):
            after_ms = 1000.0 * (getattr(events, f"{name}_{part}_s") - events.r_s)
            known = after_ms[np.isfinite(after_ms)]
            if len(known):
                ax.axvline(float(np.median(known)), color=colour, linewidth=1.2, linestyle=line, label=f"{name} {part}")
    ax.set_xlim(float(lag_ms[0]), float(lag_ms[-1]))
    style.legend(ax, loc="best", ncols=2)
    data = {"lag_ms": lag_ms, "energy_per_local_median": events.average}
    caption = (
        "Mean over all beats of the pooled 5 to 25 Hz energy of the motion, above its local mean; lines at the "
        f"median place of each event. {MEANING}"
    )
    return [Drawing(f"mechanical_{key}", figure, data, caption)]


def mechanical_table(events: MechanicalBeats | None) -> str:
    """Return the table of medians and interquartile ranges as HTML, or a sentence where nothing was clear."""
    summary = {} if events is None else events.summary()
    rows = [
        f"<tr><th>{html.escape(title)}</th><td>{summary[name]['median']:.0f}</td><td>{summary[name]['iqr']:.0f}</td></tr>"
        for name, title in _ROWS
        if summary.get(name) is not None
    ]
    if not rows:
        return "<p>Mechanical events: none is clear in this recording.</p>"
    found = (
        f"v1 found in {summary['v1_found']:.0%}, v2 in {summary['v2_found']:.0%} of {summary['beats']} beats. {MEANING}"
    )
    head = '<thead><tr><th class="gt_stub">Mechanical events (estimates)</th><th>median</th><th>IQR</th></tr></thead>'
    body = "".join(rows).replace("<th>", '<th class="gt_stub">')
    return f'<p>{html.escape(found)}</p><div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'
