"""The description of a chirping (FMCW) radar; `description.py` tells the coordinates and units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np

from radarode.core.errors import InputError

SPEED_OF_LIGHT_M_S = 299_792_458.0
Position = tuple[float, float, float]

_LARGEST_FRAME_BYTES = 256 * 2**20
_ROUNDING = 1e-9
"""Relative slack of comparisons between times that a configuration states in rounded units."""


@dataclass(frozen=True)
class FmcwRadar:
    """Describe a chirping radar with time-division transmitters.

    Attributes:
        name: what it is called.
        start_hz: frequency at the start of the ramp.
        slope_hz_per_s: how fast the frequency rises (1 MHz/us is 1e12 Hz/s).
        samples: ADC samples per chirp and receiver.
        adc_rate_hz: their rate.
        frame_period_s: from frame to frame.
        chirp_period_s: idle plus ramp, from chirp to chirp of a frame.
        tx_m: where the transmitters are, (x, y, z) each; every one of them transmits.
        rx_m: where the receivers are.
        tx_order: which transmitter sends chirp k of the frame; a repeated number is a repeated chirp.
        adc_start_s: from the start of the ramp to the first sample.
        idle_s: the part of `chirp_period_s` before the ramp.
        iq: the samples are complex (I and Q); otherwise real.
        lanes: LVDS lanes of the raw file, which set the order of its numbers (see `readers/lanes.py`).
        q_first: Q stands before I in the raw file ("IQ swap").
        rx_lanes: with four lanes, the lane of each receiver; empty for 0, 1, ... in order.
        adc_bits: bits that the ADC fills; full scale is 2**(adc_bits - 1).

    Raises:
        InputError: a value is out of range, or two values contradict each other.

    Example:
        >>> from radarode.radar.presets import PRESETS
        >>> radar = PRESETS["awr1843"]
        >>> round(radar.range_resolution_m * 1000, 1), radar.n_virtual, radar.frame_rate_hz
        (45.0, 12, 200.0)
    """

    name: str
    start_hz: float
    slope_hz_per_s: float
    samples: int
    adc_rate_hz: float
    frame_period_s: float
    chirp_period_s: float
    tx_m: tuple[Position, ...]
    rx_m: tuple[Position, ...]
    tx_order: tuple[int, ...]
    adc_start_s: float = 0.0
    idle_s: float = 0.0
    iq: bool = True
    lanes: Literal[2, 4] = 2
    q_first: bool = False
    rx_lanes: tuple[int, ...] = ()
    adc_bits: int = 16

    kind: Literal["fmcw"] = field(default="fmcw", init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_ranges()
        self._check_times()
        self._check_antennas()
        self._check_layout()

    @property
    def frame_rate_hz(self) -> float:
        """Return the frames per second."""
        return 1 / self.frame_period_s

    @property
    def bandwidth_hz(self) -> float:
        """Return the width of the sampled part of the sweep."""
        return self.slope_hz_per_s * self.samples / self.adc_rate_hz

    @property
    def first_sample_hz(self) -> float:
        """Return the frequency that is sent when the first sample is taken."""
        return self.start_hz + self.slope_hz_per_s * self.adc_start_s

    @property
    def wavelength_m(self) -> float:
        """Return the wavelength at the centre of the sampled sweep."""
        return SPEED_OF_LIGHT_M_S / (self.first_sample_hz + self.bandwidth_hz / 2)

    @property
    def range_resolution_m(self) -> float:
        """Return the width of a range bin, c / (2 B)."""
        return SPEED_OF_LIGHT_M_S / (2 * self.bandwidth_hz)

    @property
    def max_range_m(self) -> float:
        """Return the range at which the beat signal reaches its highest frequency; half as far for real samples."""
        return self.adc_rate_hz * SPEED_OF_LIGHT_M_S / (2 * self.slope_hz_per_s) / (1 if self.iq else 2)

    @property
    def repeat_s(self) -> float:
        """Return the longest time between two chirps of the same transmitter in a frame.

        Where a transmitter sends once per frame, that is the frame period.
        """
        sent = [[k for k, other in enumerate(self.tx_order) if other == tx] for tx in range(self.n_tx)]
        if min(map(len, sent)) == 1:
            return self.frame_period_s
        return max(b - a for chirps in sent for a, b in pairwise(chirps)) * self.chirp_period_s

    @property
    def max_velocity_m_s(self) -> float:
        """Return the largest speed (either way) without ambiguity, wavelength / (4 T), T as in `repeat_s`."""
        return self.wavelength_m / (4 * self.repeat_s)

    @property
    def velocity_resolution_m_s(self) -> float:
        """Return the velocity resolution of one frame, wavelength / (2 x its active time)."""
        return self.wavelength_m / (2 * self.n_chirps * self.chirp_period_s)

    @property
    def n_chirps(self) -> int:
        """Return the chirps per frame."""
        return len(self.tx_order)

    @property
    def n_tx(self) -> int:
        """Return the number of transmitters."""
        return len(self.tx_m)

    @property
    def n_rx(self) -> int:
        """Return the number of receivers."""
        return len(self.rx_m)

    @property
    def n_virtual(self) -> int:
        """Return the number of virtual channels."""
        return self.n_tx * self.n_rx

    @property
    def virtual_m(self) -> np.ndarray:
        """Return tx + rx (virtual, 3) in metres; virtual channel v is tx v // n_rx with rx v % n_rx."""
        tx, rx = np.array(self.tx_m, dtype=np.float64), np.array(self.rx_m, dtype=np.float64)
        return (tx[:, None, :] + rx[None, :, :]).reshape(-1, 3)

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Return the shape of one frame, (chirp, rx, sample)."""
        return self.n_chirps, self.n_rx, self.samples

    def _check_ranges(self) -> None:
        check_name(self.name)
        check_number("start_hz", self.start_hz, 1e9, 1e12, "Give it in Hz, 77 GHz is 77e9")
        check_number("slope_hz_per_s", self.slope_hz_per_s, 1e9, 1e16, "Give it in Hz/s, 65 MHz/us is 65e12")
        check_number("samples", self.samples, 4, 65536)
        check_number("adc_rate_hz", self.adc_rate_hz, 1e3, 1e10, "Give it in Hz, 5 Msps is 5e6")
        check_number("frame_period_s", self.frame_period_s, 1e-5, 100, "Give it in seconds, 5 ms is 0.005")
        check_number("chirp_period_s", self.chirp_period_s, 1e-7, 1, "Give it in seconds, 60 us is 60e-6")
        check_number("adc_start_s", self.adc_start_s, 0, 1, "Give it in seconds, 6 us is 6e-6")
        check_number("idle_s", self.idle_s, 0, 1, "Give it in seconds, 7 us is 7e-6")
        check_number("adc_bits", self.adc_bits, 8, 16)

    def _check_times(self) -> None:
        sampled = self.adc_start_s + self.samples / self.adc_rate_hz
        ramp = self.chirp_period_s - self.idle_s
        if sampled > ramp * (1 + _ROUNDING):
            raise InputError(
                f"the samples of {self.name} do not fit into the ramp: {self.samples} samples end "
                f"{sampled * 1e6:.4g} us after its start, and it lasts {ramp * 1e6:.4g} us. "
                "Check samples, adc_rate_hz and the times."
            )
        active = self.n_chirps * self.chirp_period_s
        if active > self.frame_period_s * (1 + _ROUNDING):
            raise InputError(
                f"the chirps of {self.name} do not fit into the frame: {self.n_chirps} chirps last "
                f"{active * 1e3:.4g} ms, and frame_period_s is {self.frame_period_s * 1e3:.4g} ms. "
                "Check chirp_period_s and tx_order."
            )

    def _check_antennas(self) -> None:
        for what, places in (("tx_m", self.tx_m), ("rx_m", self.rx_m)):
            if not 1 <= len(places) <= 192:
                raise InputError.of(what, "1 to 192 positions (x, y, z) in metres", len(places))
            if any(len(place) != 3 or not all(math.isfinite(c) and abs(c) <= 10 for c in place) for place in places):
                raise InputError.of(what, "(x, y, z) in metres within 10 m of the origin", places)
            if len(set(places)) < len(places):
                raise InputError.of(what, "different positions", places, "Two antennas cannot stand at one place")
        if not self.tx_order:
            raise InputError.of("tx_order", "the transmitter of each chirp of a frame", "an empty list")
        unknown = sorted(set(self.tx_order) - set(range(self.n_tx)))
        if unknown:
            rule = f"numbers from 0 to {self.n_tx - 1}, as there are {self.n_tx} transmitters in tx_m"
            raise InputError.of("tx_order", rule, unknown[0])
        silent = sorted(set(range(self.n_tx)) - set(self.tx_order))
        if silent:
            raise InputError(f"transmitter {silent[0]} in `tx_m` never sends in `tx_order`. Leave it out of tx_m.")

    def _check_layout(self) -> None:
        if self.lanes not in (2, 4):
            raise InputError.of("lanes", "2 or 4", self.lanes)
        if self.iq and self.lanes == 2 and self.samples % 2:
            raise InputError.of("samples", "even for complex samples on two lanes", self.samples)
        if self.lanes == 4 and self.n_rx > 4:
            raise InputError.of("rx_m", "at most 4 receivers on four lanes", self.n_rx)
        if self.rx_lanes and (
            self.lanes != 4
            or len(self.rx_lanes) != self.n_rx
            or len(set(self.rx_lanes)) != self.n_rx
            or not set(self.rx_lanes) <= {0, 1, 2, 3}
        ):
            raise InputError.of("rx_lanes", "a different lane 0 to 3 for each receiver, with lanes = 4", self.rx_lanes)
        if self.n_chirps * self.n_rx * self.samples * 8 > _LARGEST_FRAME_BYTES:
            raise InputError(f"one frame of {self.name} would take more than 256 MiB. Check samples and tx_order.")


def check_number(name: str, value: float, low: float, high: float, fix: str = "") -> None:
    """Raise `InputError` unless `value` is finite and within [low, high]."""
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError.of(name, f"between {low:g} and {high:g}", value, fix)


def check_name(name: str) -> None:
    """Raise `InputError` unless a radar may be called `name`."""
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise InputError.of("name", "1 to 80 printable characters", repr(name[:80]))
