"""`radarode simulate-capture`: a raw radar capture of a virtual person, with the truth beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from radarode.radar.description import Radar
    from radarode.simulate.capture import CaptureSettings, Simulated


LARGEST_TRUTH_BYTES = 4 * 2**30
"""Largest true motion, which is held at once."""


def simulate_capture(
    out: Path,
    *,
    radar: str = "awr1843",
    seconds: float = 60.0,
    seed: int = 0,
    status: Literal["NB", "IB", "PE", "SP"] = "NB",
    range_m: Annotated[float, Parameter(name="--range")] = 0.45,
    azimuth: float = 0.0,
    second_range: float | None = None,
    second_azimuth: float = 30.0,
    scatterers: int = 150,
    shifts: float = 0.0,
    clutter: bool = True,
    snr_db: float = 20.0,
    phase_noise: float = 0.0,
    correlated: bool = True,
    fill: float = 0.5,
    layout: Literal["bin", "packets"] = "bin",
    lost: float = 0.0,
    lost_run: int = 1,
    reordered: float = 0.0,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write a simulated raw capture of a chirping radar, as a DCA1000 stores it, into the new folder OUT.

    The folder holds capture.bin, radar.toml, capture.json (which marks it as simulated) and truth.h5: ECG, R peaks and
    true motion of every scatterer.

    Args:
        out: folder to create.
        radar: a preset's name, a TOML file or a TI .cfg.
        seconds: length.
        seed: everything follows from it.
        status: NB normal, IB irregular breathing, PE post-exercise, SP sleep.
        range_m: distance to the chest in metres.
        azimuth: its direction in degrees, positive to the right as seen from the radar.
        second_range: distance to a second person (default: nobody).
        second_azimuth: direction of the second person.
        scatterers: reflecting places on each chest.
        shifts: shifts of the whole body a minute.
        clutter: leakage, furniture and a wall.
        snr_db: echo of the chest over thermal noise, in one chirp at one receiver; inf for none.
        phase_noise: SD of the phase from chirp to chirp in rad, for an echo at 1 m.
        correlated: phase noise grows with range; otherwise it is the same everywhere.
        fill: largest value over the ADC's full scale; above 1 it saturates.
        layout: bin, the bare stream, or packets, the packets with number and byte count.
        lost: share of packets that are lost.
        lost_run: packets lost in a row.
        reordered: share of packets that arrive after their successor.
        overwrite: replace what stands at OUT.
    """
    from rich.console import Console

    from radarode.core.files import new_folder, refuse_existing
    from radarode.radar.describe_file import read_radar
    from radarode.simulate.capture import CaptureSettings
    from radarode.simulate.digitise import AdcSettings
    from radarode.simulate.packets import Link
    from radarode.simulate.scene import Placement

    people = [Placement(range_m, azimuth, scatterers, shifts)]
    if second_range is not None:
        people.append(Placement(second_range, second_azimuth, scatterers, shifts))
    settings = CaptureSettings(
        duration_s=seconds,
        people=tuple(people),
        status=status,
        seed=seed,
        clutter=clutter,
        adc=AdcSettings(snr_db, phase_noise, correlated, fill),
        link=Link(lost, lost_run, reordered),
        layout=layout,
    )
    check_truth_fits(settings)
    described = read_radar(radar)
    refuse_existing(out, overwrite=overwrite)
    with new_folder(out, overwrite=overwrite) as folder:
        made = _simulate(folder, described, settings)
        save_truth(folder, made, settings)
    _tell(Console(soft_wrap=True, highlight=False), made, out)


def check_truth_fits(settings: CaptureSettings) -> None:
    """Refuse a simulation whose true motion would not fit in `LARGEST_TRUTH_BYTES`.

    Args:
        settings: what the capture contains.

    Raises:
        InputError: too many scatterers for the duration.
    """
    from radarode.core.constants import FS_HZ
    from radarode.core.errors import InputError
    from radarode.core.limits import BYTES_PER_NUMBER
    from radarode.simulate.scene import LONGEST_S

    per_second = sum(place.scatterers for place in settings.people) * FS_HZ * BYTES_PER_NUMBER
    n_bytes = per_second * min(settings.duration_s, LONGEST_S)
    if n_bytes > LARGEST_TRUTH_BYTES:
        raise InputError(
            f"the true motion of all scatterers takes {n_bytes / 2**30:.1f} GiB, more than the limit of "
            f"{LARGEST_TRUTH_BYTES / 2**30:.0f} GiB. Simulate at most {LARGEST_TRUTH_BYTES // per_second:.0f} s, or "
            "fewer scatterers."
        )


def save_truth(folder: Path, made: Simulated, settings: CaptureSettings) -> None:
    """Write what is true about each person as native recordings: truth.h5, truth-2.h5, ...

    Beside the members of a native recording, which readers know, they hold `displacement_m` (scatterer, time) at
    200 Hz, metres away from the radar, and the numbers of `lost_packets` and `late_packets`.
    """
    import h5py
    import numpy as np

    from radarode.data.native import save_recording

    for number, subject in enumerate(made.subjects, start=1):
        path = folder / ("truth.h5" if number == 1 else f"truth-{number}.h5")
        notes = {
            "seed": str(settings.seed),
            "radar": made.radar.name,
            "truth": "motion of the scatterers of a raw capture",
        }
        save_recording(path, subject.truth(notes))
        with h5py.File(path, "a") as file:
            moved = subject.displacement_m().astype(np.float32)
            file.create_dataset("displacement_m", data=moved, chunks=True, shuffle=True, compression="gzip")
            if made.sent is not None:
                file.create_dataset("lost_packets", data=made.sent.lost)
                file.create_dataset("late_packets", data=made.sent.late)


def _simulate(folder: Path, radar: Radar, settings: CaptureSettings) -> Simulated:
    """Simulate with a progress bar on the error stream."""
    from rich.console import Console
    from rich.progress import Progress

    from radarode.simulate.capture import simulate_capture as simulate

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("simulating", total=settings.duration_s * radar.frame_rate_hz)
        return simulate(folder, radar, settings, lambda done: bar.update(task, completed=done))


def _tell(console: Console, made: Simulated, out: Path) -> None:
    from rich.markup import escape

    beats = ", ".join(f"{len(subject.r_peaks_s)} beats of {subject.person.subject}" for subject in made.subjects)
    sent = "" if made.sent is None else f", {len(made.sent.lost)} of {made.sent.n_packets} packets lost"
    console.print(
        escape(
            f"SIMULATED capture of {made.radar.name}: {made.n_frames} frames, "
            f"{made.n_frames / made.radar.frame_rate_hz:.1f} s, {beats}{sent}, in {out}"
        )
    )
