"""`radarode capture-info`: what a raw radar file holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from radarode.radar.capture import Capture

_PROFILE_FRAMES = 64
_MOST_PEAKS = 3
_FLOOR = 0.1
"""Peaks lower than this share of the highest are not shown."""


def capture_info(
    file: Path,
    *,
    radar: str | None = None,
    layout: str | None = None,
    max_lost: float = 0.2,
    max_saturated: float = 0.01,
    check: bool = True,
    from_first_packet: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Show what a raw radar capture holds, and whether it fits the description of its radar.

    Args:
        file: DCA1000 .bin, packet log or .pcap, cardio-focusing .npy, continuous-wave .mat, Acconeer .h5.
        radar: a preset (awr1843, iwr6843, iwr1443, cw24, a121), a .toml or a TI .cfg file; needed for DCA1000 captures.
        layout: name of the layout, where it is not recognised.
        max_lost: largest share of lost bytes that is accepted.
        max_saturated: largest share of samples at full scale that is accepted.
        check: refuse samples that fit another order or sample count far better.
        from_first_packet: start with the frame of a log's first packet, not at byte 0 of its stream.
        json: print one JSON object instead of a table.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from radarode.radar.capture import open_capture
    from radarode.radar.describe_file import radar_of

    options = {"layout": layout, "max_lost": max_lost, "max_saturated": max_saturated, "check": check}
    options |= {"from_first_packet": from_first_packet}
    facts = describe(open_capture(file, radar_of(file, radar), **options))
    console = Console()
    if json:
        return console.print_json(data={"file": str(file), **facts})
    table = Table(title=escape(str(file)), show_header=False, title_justify="left")
    for name, value in _rows(facts):
        table.add_row(escape(name), escape(value))
    return console.print(table)


def describe(capture: Capture) -> dict[str, Any]:
    """Return the facts about a capture, ready for JSON; what is not known is None."""
    from radarode.core.config import to_plain
    from radarode.radar.description import derived_values

    facts = capture.facts
    return {
        "layout": facts.layout,
        "simulated": capture.simulated,
        "radar": to_plain(capture.radar),
        "derived": derived_values(capture.radar),
        "frames": capture.n_frames,
        "duration_s": round(capture.duration_s, 3),
        "lost_share": round(float(capture.lost.mean()), 6),
        "frames_with_losses": int((capture.lost > 0).sum()),
        "packets": to_plain(facts.packets),
        "saturated_share": facts.saturated,
        "dropped_bytes": facts.dropped_bytes,
        "peaks": range_peaks(capture),
        "warnings": list(facts.warnings),
    }


def range_peaks(capture: Capture) -> list[dict[str, float]] | None:
    """Return the highest peaks of the mean range profile, highest first; None for a radar without ranges.

    Returns:
        `range_m` and `power_db` (0 dB is the highest) of at most three peaks, over evenly spread frames.
    """
    import numpy as np

    from radarode.radar.capture_facts import even_spread
    from radarode.radar.description import CwRadar, FmcwRadar

    radar = capture.radar
    if isinstance(radar, CwRadar) or not capture.n_frames:
        return None
    blocks = np.concatenate([capture.read(int(k), int(k) + 1) for k in even_spread(capture.n_frames, _PROFILE_FRAMES)])
    if isinstance(radar, FmcwRadar):
        window = np.hanning(radar.samples)
        spectrum = np.fft.fft((blocks - blocks.mean(axis=-1, keepdims=True)) * window, axis=-1)
        power = (np.abs(spectrum) ** 2).mean(axis=(0, 1, 2))[: radar.samples // (1 if radar.iq else 2)]
        ranges_m = np.arange(len(power)) * radar.range_resolution_m
    else:
        power, ranges_m = (np.abs(blocks) ** 2).mean(axis=0), radar.ranges_m
    padded = np.concatenate(([0.0], power, [0.0]))
    tops = np.flatnonzero((power > padded[:-2]) & (power >= padded[2:]) & (power >= _FLOOR * power.max()))
    best = sorted(tops, key=lambda k: -power[k])[:_MOST_PEAKS]
    decibel = 10 * np.log10(power / power.max()) if power.max() > 0 else power
    return [{"range_m": round(float(ranges_m[k]), 4), "power_db": round(float(decibel[k]), 1)} for k in best]


def _rows(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts as (name, text) rows of a table."""
    radar, packets = facts["radar"], facts["packets"]
    shown = {"layout": facts["layout"], "simulated": "yes" if facts["simulated"] else "no"}
    shown |= {"radar": f"{radar['name']} ({radar['kind']})", **facts["derived"]}
    names = ("frames", "duration_s", "lost_share", "frames_with_losses", "saturated_share", "dropped_bytes")
    rows = [(name, _text(value)) for name, value in (shown | {name: facts[name] for name in names}).items()]
    if packets is not None:
        rows.append(("packets", ", ".join(f"{count} {name}" for name, count in packets.items())))
    if facts["peaks"] is not None:
        peaks = ", ".join(f"{peak['range_m']:.3f} m ({peak['power_db']:.1f} dB)" for peak in facts["peaks"])
        rows.append(("range peaks", peaks or "none"))
    return rows + [("warning", text) for text in facts["warnings"]]


def _text(value: object) -> str:
    return "not known" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
