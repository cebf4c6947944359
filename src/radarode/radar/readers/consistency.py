"""Whether raw samples fit the description of their radar: a score, and the candidate that would fit far better.

With the right order and sample count, (1) a chirp resembles the same chirp of the next frame, since a scene hardly
moves within a frame period, (2) the beat spectrum of complex samples has its energy on the side of positive
frequencies, and (3) that energy stands in few bins. A wrong sample count breaks the first, swapped I and Q the second,
and a wrong order of lanes the second and the third. The score is the product of the three, each in [0, 1]:

    coherence = sum Re(X_f conj(X_f+1)) / sum |X|^2     side = energy(0 < f < fs/2) / energy
    focus = 1 / sqrt(bins that hold the energy),  by the participation ratio (sum p)^2 / sum p^2 of the mean spectrum p

Constant and the two lowest bins are left out. Empty scenes give every candidate a low score, and no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture_facts import even_spread
from radarode.radar.description import FmcwRadar
from radarode.radar.readers.lanes import decode_lanes, frame_values

Fetch = Callable[[int, int], np.ndarray]
"""(first number, count) -> that many int16 numbers of the stream."""

COMMON_SAMPLES = (64, 96, 100, 128, 192, 200, 240, 256, 300, 320, 384, 400, 480, 500, 512, 600, 640, 768, 1000, 1024)
_ORDERS = ((2, True, False), (2, True, True), (4, True, False), (4, True, True), (2, False, False), (4, False, False))
_ROOMY: dict[str, Any] = {
    "adc_rate_hz": 1e10,
    "adc_start_s": 0.0,
    "idle_s": 0.0,
    "chirp_period_s": 1e-5,
    "frame_period_s": 100.0,
}
"""Times that any sample count fits into; the score does not read them."""
_MOST_WHOLE = 24
"""Sample counts that divide the stream into whole frames are tried unless so many do that it tells nothing."""
_LEAST_SAMPLES, _MOST_CHIRPS = 48, 4096
_PAIRS = 32
_LOWEST_BINS = 2
_CLOSE = 0.8
REFUSE_RATIO = 3.0
WARN_RATIO = 1.75
_LEAST_SCORE = 0.15
"""A candidate must reach this to speak against the description."""


@dataclass(frozen=True)
class Candidate:
    """Hold a way to read the stream, and how well it fits."""

    radar: FmcwRadar
    score: float

    def text(self, described: FmcwRadar) -> str:
        """Return it in words, like "2-lane complex with 100 samples"; chirps too where they differ from `described`."""
        chirps = f" and {self.radar.n_chirps} chirps" if self.radar.n_chirps != described.n_chirps else ""
        kind = ("complex, Q before I," if self.radar.q_first else "complex") if self.radar.iq else "real"
        return f"{self.radar.lanes}-lane {kind} with {self.radar.samples} samples{chirps}"


def consistency(fetch: Fetch, n_values: int, radar: FmcwRadar) -> float:
    """Return how well the stream fits `radar`, 0 to 1; 0 where it holds less than two frames.

    Args:
        fetch: reads the stream.
        n_values: int16 numbers in it.
        radar: the description to judge.
    """
    size = frame_values(radar)
    n_frames = n_values // size
    if n_frames < 2:
        return 0.0
    single = replace(radar, tx_m=radar.tx_m[:1], tx_order=(0,))
    chirp = frame_values(single)
    firsts = even_spread(n_frames - 1, _PAIRS)
    raw = [fetch((first + step) * size, chirp) for first in firsts for step in (0, 1)]
    spectra = _spectra(decode_lanes(np.concatenate(raw), single)[:, 0], radar.iq)
    return _score(spectra.reshape(len(firsts), 2, radar.n_rx, -1), radar.iq)


def best_alternative(fetch: Fetch, n_values: int, radar: FmcwRadar) -> Candidate | None:
    """Return the way to read the stream that fits best among other orders and sample counts.

    Of those that fit almost equally, the one that changes least, then the one with most samples, is returned.

    Args:
        fetch: reads the stream.
        n_values: int16 numbers in it.
        radar: the description; its numbers of chirps and receivers are kept.
    """
    found = [Candidate(other, consistency(fetch, n_values, other)) for other in _alternatives(n_values, radar)]
    best = max((candidate.score for candidate in found), default=0.0)
    close = [candidate for candidate in found if candidate.score >= _CLOSE * best]
    return min(close, key=lambda one: (_changes(one.radar, radar), -one.radar.samples), default=None)


def check_consistency(fetch: Fetch, n_values: int, radar: FmcwRadar, what: str) -> tuple[str, ...]:
    """Judge the description of a stream.

    Args:
        fetch: reads the stream.
        n_values: int16 numbers in it, an incomplete frame at the end included.
        radar: the description to judge.
        what: the file, for the message.

    Returns:
        Warnings, none where it fits.

    Raises:
        InputError: another order or sample count fits far better, or better and in whole frames where the description
            leaves an incomplete one; the message says which.
    """
    own = consistency(fetch, n_values, radar)
    if own * WARN_RATIO >= 1:
        return ()
    other = best_alternative(fetch, n_values, radar)
    if other is None or other.score < max(_LEAST_SCORE, WARN_RATIO * own):
        return ()
    said = Candidate(radar, own).text(radar)
    text = f"it looks like {other.text(radar)} (fit {other.score:.2f}), not {said} (fit {own:.2f})"
    uneven = n_values % frame_values(radar) > 0 and n_values % frame_values(other.radar) == 0
    if other.score >= REFUSE_RATIO * own or uneven:
        raise InputError(
            f"{what} does not fit the description of its radar: {text}. Correct it, or turn the check off."
        )
    return (f"the samples may not fit the description of the radar: {text}",)


def side_power(samples: np.ndarray) -> np.ndarray:
    """Return the energy (2,) of complex samples (..., sample) at positive and at negative beat frequencies.

    Example:
        >>> tone = np.exp(2j * np.pi * 9 * np.arange(64) / 64)
        >>> power = side_power(tone)
        >>> bool(power[0] > 1000 * power[1])
        True
    """
    n = samples.shape[-1]
    power = (np.abs(_spectra(samples, True)) ** 2).reshape(-1, n).sum(axis=0)
    middle = (n + 1) // 2
    return np.array([power[_LOWEST_BINS + 1 : middle].sum(), power[middle : n - _LOWEST_BINS].sum()])


def _alternatives(n_values: int, radar: FmcwRadar) -> Iterator[FmcwRadar]:
    """Yield other orders and sample counts, each with the chirps described and with as many as fill the frame."""
    whole = {
        samples for samples in range(_LEAST_SAMPLES, 1025, 2) if n_values % (radar.n_chirps * radar.n_rx * samples) == 0
    }
    whole = whole if len(whole) <= _MOST_WHOLE else set()
    for samples in sorted({*COMMON_SAMPLES, *whole, radar.samples, 2 * radar.samples, radar.samples // 2}):
        for lanes, iq, q_first in _ORDERS:
            if samples < _LEAST_SAMPLES or samples % 2 or (lanes == 4 and radar.n_rx > 4):
                continue
            order: dict[str, Any] = {"samples": samples, "lanes": lanes, "iq": iq, "q_first": q_first, "rx_lanes": ()}
            one = replace(radar, tx_m=radar.tx_m[:1], tx_order=(0,), **order, **_ROOMY)
            chirps, rest = divmod(frame_values(radar), frame_values(one))
            for n_chirps in {radar.n_chirps, radar.n_chirps if rest else min(chirps, _MOST_CHIRPS)}:
                other = replace(one, tx_order=(0,) * n_chirps)
                if _changes(other, radar):
                    yield other


def _changes(one: FmcwRadar, other: FmcwRadar) -> int:
    order = (one.lanes, one.iq, one.q_first) != (other.lanes, other.iq, other.q_first)
    return int(order) + int(one.samples != other.samples) + int(one.n_chirps != other.n_chirps)


def _spectra(chirps: np.ndarray, iq: bool) -> np.ndarray:
    """Return the beat spectra (chirp, rx, bin) of (chirp, rx, sample)."""
    centred = (chirps - chirps.mean(axis=-1, keepdims=True)) * np.hanning(chirps.shape[-1])
    return np.fft.fft(centred, axis=-1) if iq else np.fft.rfft(np.real(centred), axis=-1)


def _score(spectra: np.ndarray, iq: bool) -> float:
    """Return coherence * side * focus of spectra (pair, 2, rx, bin)."""
    n = spectra.shape[-1]
    used = np.arange(_LOWEST_BINS + 1, n - _LOWEST_BINS if iq else n)
    spectra = spectra[..., used]
    power = (np.abs(spectra) ** 2).mean(axis=(0, 1, 2))
    total = float(power.sum())
    if not total > 0:
        return 0.0
    cross = float(np.real(spectra[:, 0] * spectra[:, 1].conj()).mean(axis=(0, 1)).sum())
    coherence = min(max(cross / total, 0.0), 1.0)
    side = float(power[used < n / 2].sum()) / total if iq else 1.0
    occupied = total**2 / float((power**2).sum())
    return coherence * side / max(occupied, 1.0) ** 0.5
