"""From what is heard to an ECG curve: place beats, lay generated cycles on them as a draft, join draft and motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ, WINDOW_FRAMES, WINDOW_S, WINDOW_SAMPLES
from radarode.data.motion import scale_motion
from radarode.data.scaling import scale_windows
from radarode.models.longterm import LongTerm
from radarode.models.radarode import PULSE_S, RadarOde
from radarode.reconstruction.energy_beats import EnergyBeats, place_beats
from radarode.reconstruction.heard import Heard, frames_at, usable_channels
from radarode.reconstruction.merge import MapMerger
from radarode.reconstruction.settings import ReconstructSettings
from radarode.reconstruction.stitch import MAX_INTERVAL, beat_shapes
from radarode.signal.ppi import energy_plot
from radarode.tasks.cycles import cut_cycles
from radarode.tasks.settings import SHAPE_SAMPLES
from radarode.tasks.shape import decode_shape


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Hold the cycles of the generator, laid on the beats that the energy shows.

    Attributes:
        curve: (time,) at 200 Hz; 0 where no cycle lies.
        length_s: (time,) PPI; NaN if none was found.
        clarity: (time,) how clear the beats around are, in [0, 1].
        beats: where the cycles lie.
    """

    curve: NDArray[np.float32]
    length_s: NDArray[np.float64]
    clarity: NDArray[np.float64]
    beats: EnergyBeats


def lay_draft(
    heard: Heard, model: RadarOde, settings: ReconstructSettings, *, scaling: str, r_fraction: float
) -> Draft:
    """Place the beats and lay a generated cycle on each, stretched to the local interval.

    Args:
        heard: the recording.
        model: its generator and pulse are used.
        settings: `batch`, `max_gap_share`.
        scaling: of the generator's inputs.
        r_fraction: place of R in its cycle.
    """
    samples = len(heard.missing)
    energy = np.where(heard.absent_frames, np.float32(np.nan), energy_plot(heard.frames))
    beats = place_beats(energy, model.pulse.numpy().astype(np.float64), PULSE_S[0])
    times_s = np.arange(samples) / FS_HZ
    length_s = np.interp(times_s * FRAME_RATE_HZ, np.arange(len(beats.ppi_s)), beats.ppi_s)
    clarity = np.interp(times_s, beats.r_s, beats.clarity) if len(beats.r_s) else np.zeros(samples)
    limit = MAX_INTERVAL * 0.5 * (beats.length_s[1:] + beats.length_s[:-1])
    cycles = cut_cycles(beats.r_s, r_fraction=r_fraction, max_interval_s=limit)
    centres_s, shapes = generate_cycles(heard, beats.r_s, model, settings, scaling=scaling)
    laid = beat_shapes(cycles, centres_s - WINDOW_S / 2, shapes)
    curve = decode_shape(laid, FS_HZ, samples, cycles, r_fraction=r_fraction)
    return Draft(np.nan_to_num(curve), length_s, clarity, beats)


@torch.inference_mode()
def generate_cycles(
    heard: Heard, r_s: NDArray[np.float64], model: RadarOde, settings: ReconstructSettings, *, scaling: str
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Generate the cycle of every beat around which there is a whole window with a usable channel.

    Returns:
        (cycle,) centres of the windows and (cycle, 200) shapes.
    """
    starts = frames_at(r_s, len(heard.frames))
    most = settings.max_gap_share
    kept = [k for k, s in enumerate(starts) if s >= 0 and _usable_frames(heard, s, most).any()]
    shapes = [np.empty((0, SHAPE_SAMPLES), np.float32)]
    for first in range(0, len(kept), settings.batch):
        chosen = starts[kept[first : first + settings.batch]]
        values = torch.stack([_window(heard, int(start), most) for start in chosen])
        shapes.append(model.sceg(scale_windows(values, scaling)).numpy())
    return r_s[kept], np.concatenate(shapes)


def _usable_frames(heard: Heard, start: int, most: float) -> NDArray[np.bool_]:
    return usable_channels(heard.absent_frames, start, WINDOW_FRAMES, most)


def _window(heard: Heard, start: int, most: float) -> Tensor:
    """Return the magnitudes (channel, row, frame) of a window, without the channels that are mostly missing."""
    cut = torch.from_numpy(np.array(heard.frames[start : start + WINDOW_FRAMES]))
    usable = torch.from_numpy(_usable_frames(heard, start, most))
    return cut.permute(1, 2, 0).to(torch.float32) * usable[:, None, None]


@torch.inference_mode()
def join_windows(
    heard: Heard, draft: NDArray[np.float32], network: LongTerm, settings: ReconstructSettings
) -> NDArray[np.float64]:
    """Run the long-term network over overlapping windows and average its curves.

    Args:
        heard: the motion.
        draft: (time,) the draft.
        network: the long-term network.
        settings: `step_s`, `batch`, `max_gap_share`.

    Returns:
        (time,) ECG curve; NaN where no window with a usable channel reaches.
    """
    merger, reached = MapMerger(len(draft)), np.zeros(len(draft), dtype=bool)
    for motion, begins in _motion_batches(heard, settings):
        drafts = torch.from_numpy(np.stack([draft[begin : begin + WINDOW_SAMPLES] for begin in begins]))
        curves = network(scale_motion(motion), drafts.to(torch.float32))
        merger.add(curves.numpy(), np.array(begins) / FS_HZ)
        for begin in begins:
            reached[begin : begin + WINDOW_SAMPLES] = True
    return np.where(reached, merger.merged(), np.nan)


def _motion_batches(heard: Heard, settings: ReconstructSettings) -> Iterator[tuple[Tensor, list[int]]]:
    """Yield motion (window, channel, 800) with the first sample of each window."""
    last = len(heard.motion) - WINDOW_SAMPLES
    begins = sorted({*range(0, last + 1, max(1, round(settings.step_s * FS_HZ))), last})
    pending: list[Tensor] = []
    places: list[int] = []
    for begin in begins:
        usable = usable_channels(heard.absent, begin, WINDOW_SAMPLES, settings.max_gap_share)
        if not usable.any():
            continue
        cut = torch.from_numpy(np.array(heard.motion[begin : begin + WINDOW_SAMPLES].T, dtype=np.float32))
        pending.append(cut * torch.from_numpy(usable)[:, None])
        places.append(begin)
        if len(pending) == settings.batch:
            yield torch.stack(pending), places
            pending, places = [], []
    if pending:
        yield torch.stack(pending), places
