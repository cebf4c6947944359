"""Radar cubes of the cardio-focusing work: a NumPy array (frame, 2, 3, 4, 256) of an AWR1843.

The published layout names the second axis once "IQ" and once "loops". Its published arrays are complex, with the two
loops of the three transmitters of each frame there, so complex arrays are read as (frame, loop, tx, rx, sample). A
real array is read as I and Q there; with `cft_axis = "chirps"` it is two loops of real samples. The published script
puts the first number of each stored pair into the imaginary part, which mirrors the beat spectrum if that number was I.
A rising chirp has positive beat frequencies only, so a cube with its energy on the negative side is mirrored back, with
a warning.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureFacts, CaptureOptions, check_shares, even_spread
from radarode.radar.description import FmcwRadar, Radar
from radarode.radar.presets import BOARDS
from radarode.radar.readers.consistency import side_power
from radarode.radar.readers.stream import require_fmcw

NAME = "cft"
LAYOUT = "cardio-focusing .npy: an array (frame, 2, 3, 4, 256), complex (two loops) or real (I, Q)"
SUFFIXES = (".npy",)
PRIORITY = 30
_DAMAGED = (ValueError, OSError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError)
_PROBED_FRAMES = 256
_LOOPS = 2
_LEAST_SIDE = 0.25


class CubeCapture(Capture):
    """Read frames of an array in a .npy file through a memory map."""

    radar: FmcwRadar

    def __init__(self, radar: FmcwRadar, source: Path, facts: CaptureFacts, array: np.ndarray, loops: bool) -> None:
        super().__init__(radar, source, facts)
        self._array, self._loops, self._mirrored = array, loops, False
        if radar.iq and self._side() < _LEAST_SIDE:
            self._mirrored = True
            text = "its beat frequencies are negative, so I and Q were swapped; they are swapped back"
            self.facts = replace(facts, warnings=(*facts.warnings, text))

    def _read(self, first: int, last: int) -> np.ndarray:
        block = np.array(self._array[first:last])
        if not self._loops:
            cube = np.empty((len(block), *block.shape[2:]), dtype=np.complex64)
            cube.real, cube.imag = block[:, 0], block[:, 1]
            block = cube
        block = block.reshape(len(block), *self.radar.frame_shape)
        return 1j * block.conj() if self._mirrored else block

    def _side(self) -> float:
        """Return the share of the energy at positive beat frequencies, on evenly spread frames."""
        frames = even_spread(self.n_frames, _PROBED_FRAMES)
        power = np.sum([side_power(self._read(int(k), int(k) + 1)) for k in frames], axis=0)
        return float(power[0] / power.sum()) if power.sum() > 0 else 1.0


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file starts like a .npy file."""
    return head.startswith(b"\x93NUMPY")


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open a cube.

    Raises:
        InputError: pickled, truncated, another shape or element type, or saturated.
    """
    array = _mapped(path)
    loops = options.cft_axis == "chirps" if options.cft_axis is not None else array.dtype.kind == "c"
    if not loops and array.dtype.kind == "c":
        raise InputError("complex samples have no axis of I and Q. Use cft_axis = chirps.")
    iq = array.dtype.kind == "c" or not loops
    described = require_fmcw(radar, path.name) if radar is not None else cft_radar(array.shape[1:], loops, iq)
    shape = (array.shape[1] * array.shape[2] if loops else array.shape[2], *array.shape[3:])
    if shape != described.frame_shape:
        raise InputError(
            f"a frame of it is (chirp, rx, sample) = {shape}; {described.name} says {described.frame_shape}."
        )
    lost = np.zeros(len(array), dtype=np.float32)
    facts = CaptureFacts(NAME, len(array), lost, _saturated(array))
    check_shares(facts, options, path.name)
    return CubeCapture(described, path, facts, array, loops)


def cft_radar(frame: tuple[int, ...], loops: bool, iq: bool = True) -> FmcwRadar:
    """Return the radar of the published cubes: 77 GHz, 64.985 MHz/us, 5 MHz, 70 us chirps, 200 frames/s.

    Args:
        frame: shape of one frame, (2, tx, rx, sample).
        loops: the first axis is two loops over the transmitters, not I and Q.
        iq: the samples are complex.

    Raises:
        InputError: more antennas or samples than that radar has.
    """
    _, n_tx, n_rx, samples = frame
    tx, rx = BOARDS["awr1843"]
    if n_tx > len(tx) or n_rx > len(rx):
        raise InputError(f"frames of {n_tx} x {n_rx} antennas need a description of their radar. Name a TOML file.")
    return FmcwRadar(
        name="cft (awr1843)",
        start_hz=77e9,
        slope_hz_per_s=64.985e12,
        samples=samples,
        adc_rate_hz=5e6,
        frame_period_s=0.005,
        chirp_period_s=70e-6,
        idle_s=10e-6,
        adc_start_s=6e-6,
        tx_m=tx[:n_tx],
        rx_m=rx[:n_rx],
        tx_order=tuple(range(n_tx)) * (_LOOPS if loops else 1),
        iq=iq,
    )


def _mapped(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except _DAMAGED as error:
        raise InputError(f"{path.name} is not a plain .npy array (pickled, truncated or damaged).") from error
    if array.dtype.kind not in "cfi" or array.dtype.itemsize > 16:
        raise InputError(f"{path.name} must hold real or complex numbers; got elements of type {array.dtype}.")
    if array.ndim != 5 or array.shape[1] != _LOOPS or math.prod(array.shape) == 0:
        raise InputError(f"{path.name} must be an array (frame, 2, tx, rx, sample); got shape {array.shape}.")
    return array


def _saturated(array: np.ndarray) -> float | None:
    """Return the share of integers at the ends of 16 bits; None where samples were stored scaled."""
    blocks = [np.array(array[k]) for k in even_spread(len(array), _PROBED_FRAMES)]
    if array.dtype.kind == "c":
        parts = np.stack([part for block in blocks for part in (np.real(block), np.imag(block))])
    else:
        parts = np.stack(blocks)
    if not np.isfinite(parts).all():
        raise InputError("it holds samples that are not finite.")
    if (parts != np.rint(parts)).any():
        return None
    return float(((parts >= 2**15 - 1) | (parts <= -(2**15))).mean())
