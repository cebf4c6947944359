"""Write a simulated raw capture with everything that is true about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radarode.core.config import to_plain
from radarode.core.errors import InputError
from radarode.core.types import STATUSES, Status
from radarode.radar.describe_file import save_radar
from radarode.radar.description import FmcwRadar, Radar
from radarode.radar.readers.lanes import frame_bytes
from radarode.radar.sidecar import write_sidecar
from radarode.simulate.adc import Echoes
from radarode.simulate.cohort import person_of
from radarode.simulate.digitise import AdcSettings, Gain, choose_gain, raw_blocks
from radarode.simulate.packets import Link, Sent, plan_packets, write_packets
from radarode.simulate.scene import ROOM, Placement, Reflector, Subject, simulate_subject

Layout = Literal["bin", "packets"]
Watch = Callable[[int], None]
"""Progress: called with frames done."""

CAPTURE = "capture.bin"
RADAR = "radar.toml"
SIMULATED = "simulated"


@dataclass(frozen=True)
class CaptureSettings:
    """Say what a simulated capture contains.

    Attributes:
        duration_s: length, 2 s to 1 h.
        people: where each person is; the first is the one whose echo sets the noise.
        status: MMECG status of everyone.
        seed: everything follows from it; person k of a seed is the one that `simulate` makes too.
        clutter: a room stands around the people, and the transmitter leaks into the receivers.
        adc: noise and gain.
        link: lost and late packets; for the packet log only.
        layout: "bin", the bare stream, or "packets", the packets one after the other.

    Raises:
        InputError: nobody in view, a value out of range, or losses in a bare stream.
    """

    duration_s: float = 60.0
    people: tuple[Placement, ...] = (Placement(),)
    status: Status = "NB"
    seed: int = 0
    clutter: bool = True
    adc: AdcSettings = field(default_factory=AdcSettings)
    link: Link = field(default_factory=Link)
    layout: Layout = "bin"

    def __post_init__(self) -> None:
        if not 1 <= len(self.people) <= 8:
            raise InputError.of("people", "1 to 8 persons", len(self.people))
        if self.status not in STATUSES:
            raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(self.status))
        if self.seed < 0:
            raise InputError.of("seed", "0 or more", self.seed)
        if self.layout not in ("bin", "packets"):
            raise InputError.of("layout", "bin or packets", repr(self.layout))
        if self.layout == "bin" and (self.link.lost or self.link.reordered):
            raise InputError("a bare stream has no packets that could be lost or late. Choose the layout packets.")


@dataclass(frozen=True, eq=False)
class Simulated:
    """Hold what is true about a simulated capture.

    Attributes:
        radar: its description, marked as simulated.
        subjects: the people.
        n_frames: frames.
        gain: ADC steps per unit and noise.
        sent: what happened to the packets; None for a bare stream.
    """

    radar: FmcwRadar
    subjects: tuple[Subject, ...]
    n_frames: int
    gain: Gain
    sent: Sent | None


def simulate_capture(
    folder: Path, radar: Radar, settings: CaptureSettings | None = None, watch: Watch | None = None
) -> Simulated:
    """Write `capture.bin`, `radar.toml` and `capture.json` into a folder.

    Args:
        folder: where; it exists.
        radar: a chirping radar.
        settings: what the capture contains; None for the defaults.
        watch: progress.

    Returns:
        The truth. Equal arguments give equal files.

    Raises:
        InputError: the radar does not chirp, a person is out of its view, or a value is out of range.
    """
    chosen = settings or CaptureSettings()
    described = check_view(radar, chosen.people)
    n_frames = int(chosen.duration_s * described.frame_rate_hz + 1e-9)
    if n_frames < 2:
        raise InputError.of("duration_s", f"at least two frames of {described.name}", chosen.duration_s)
    streams = np.random.default_rng(np.random.SeedSequence(chosen.seed, spawn_key=(0, 0, 2))).spawn(
        len(chosen.people) + 2
    )
    subjects = tuple(
        simulate_subject(person_of(chosen.seed, k), chosen.duration_s, chosen.status, place, streams[k + 2])
        for k, place in enumerate(chosen.people)
    )
    echoes = Echoes(described, subjects, _room(described) if chosen.clutter else (), chosen.adc.correlated)
    gain = choose_gain(echoes, n_frames, chosen.adc)
    blocks = _watched(raw_blocks(echoes, n_frames, chosen.adc, gain, streams[0]), frame_bytes(described), watch)
    sent = None
    if chosen.layout == "packets":
        sent = plan_packets(n_frames * frame_bytes(described), chosen.link, streams[1])
    _write(folder / CAPTURE, blocks, sent)
    made = Simulated(described, subjects, n_frames, gain, sent)
    save_radar(folder / RADAR, described)
    write_sidecar(folder, _facts(made, chosen))
    return made


def check_view(radar: Radar, people: Sequence[Placement]) -> FmcwRadar:
    """Return the radar with "simulated" in its name.

    Raises:
        InputError: it is not a chirping one, or a person is farther than it can see.
    """
    if not isinstance(radar, FmcwRadar):
        raise InputError(f"{radar.name} is a {radar.kind} radar; only chirping radars are simulated sample by sample.")
    for place in people:
        if place.range_m + 0.2 > radar.max_range_m:
            raise InputError.of("range_m", f"below {radar.max_range_m - 0.2:.2f} m for {radar.name}", place.range_m)
    name = radar.name if SIMULATED in radar.name.lower() else f"{SIMULATED} {radar.name}"[:80]
    return replace(radar, name=name)


def _room(radar: FmcwRadar) -> tuple[Reflector, ...]:
    """Return what stands in the radar's view; the filter before its ADC keeps farther echoes out."""
    return tuple(one for one in ROOM if np.linalg.norm(one.place_m) < radar.max_range_m)


def _write(path: Path, blocks: Iterator[NDArray[np.int16]], sent: Sent | None) -> None:
    if sent is not None:
        write_packets(path, blocks, sent)
        return
    with path.open("wb") as file:
        for block in blocks:
            file.write(block.tobytes())


def _watched(
    blocks: Iterator[NDArray[np.int16]], bytes_per_frame: int, watch: Watch | None
) -> Iterator[NDArray[np.int16]]:
    done = 0
    for block in blocks:
        yield block
        done += block.nbytes // bytes_per_frame
        if watch is not None:
            watch(done)


def _facts(made: Simulated, settings: CaptureSettings) -> dict[str, Any]:
    """Return what `capture.json` says."""
    people = [
        {"subject": subject.person.subject, "sex": subject.person.sex, **to_plain(place)}
        for subject, place in zip(made.subjects, settings.people, strict=True)
    ]
    facts = {
        "simulated": True,
        "file": CAPTURE,
        "radar": RADAR,
        "frames": made.n_frames,
        "settings": {**to_plain(settings), "people": people},
        "adc_counts_per_unit": made.gain.counts,
        "noise_sd_counts": made.gain.counts * made.gain.noise,
    }
    facts["settings"]["adc"]["snr_db"] = str(settings.adc.snr_db)  # JSON has no infinity
    if made.sent is not None:
        facts["packets"] = {"sent": made.sent.n_packets, "lost": len(made.sent.lost), "late": len(made.sent.late)}
    return facts
