"""Match a template: where in a recording does the pattern of one heartbeat recur?

The template is the recording's own average beat, over all channels, so it needs no knowledge of the person; each
channel is compared with itself, so signs, gains and patterns over the chest only help.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from radarode.core.vertex import parabola_offset

FloatArray = NDArray[np.floating]


def cut_windows(signals: FloatArray, centres: NDArray[np.integer], before: int, after: int) -> NDArray[np.floating]:
    """Cut (beat, channel, before + after + 1) windows around samples; what lies outside is 0.

    Args:
        signals: (channel, time).
        centres: (beat,) samples.
        before: samples before each centre.
        after: samples after it.
    """
    padded = np.pad(signals, ((0, 0), (before, after)))
    spans = np.lib.stride_tricks.sliding_window_view(padded, before + after + 1, axis=1)
    return spans[:, np.clip(centres, 0, signals.shape[1] - 1)].transpose(1, 0, 2)


def robust_average(windows: FloatArray, trim: float = 0.1) -> NDArray[np.float64]:
    """Return the (channel, sample) mean of windows without the weakest and strongest share at each sample.

    Args:
        windows: (beat, channel, sample), at least one.
        trim: share left out on either side.
    """
    ordered = np.sort(windows, axis=0)
    drop = int(trim * len(ordered))
    return ordered[drop : len(ordered) - drop].mean(axis=0, dtype=np.float64)


def match_template(signals: FloatArray, template: FloatArray, weights: FloatArray, before: int) -> NDArray[np.float64]:
    """Return how much of the template stands at each sample: 1 where the signal equals it, 0 where nothing does.

    y(t) = sum_c w_c sum_k m_c(k) x_c(t + k - before) / sum_c w_c sum_k m_c(k)^2, the least-squares amplitude.

    Args:
        signals: (channel, time).
        template: (channel, sample).
        weights: (channel,) not negative.
        before: samples of the template before its mark.

    Returns:
        (time,).
    """
    power = float(weights @ np.square(template).sum(axis=1))
    n = signals.shape[1]
    total = np.zeros(n)
    if power <= 0.0:
        return total
    after = template.shape[1] - before - 1
    for channel in np.flatnonzero(weights > 0):
        full = scipy_signal.oaconvolve(signals[channel].astype(np.float64), template[channel, ::-1], mode="full")
        total += weights[channel] * full[after : after + n]
    return total / power


def find_peaks(curve: FloatArray, lowest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places between samples and heights of the local maxima above a level.

    Args:
        curve: (time,).
        lowest: level.

    Returns:
        (peak,) places in samples, increasing, and (peak,) heights.
    """
    at, _ = scipy_signal.find_peaks(curve, height=lowest)
    return at + parabola_offset(curve[at - 1], curve[at], curve[at + 1]), curve[at].astype(np.float64)


def align(
    signals: FloatArray, weights: FloatArray, marks: FloatArray, span: tuple[int, int], reach: int
) -> NDArray[np.float64]:
    """Move each mark to where the signal matches the average beat best, within a few samples (two passes).

    Args:
        signals: (channel, time).
        weights: (channel,).
        marks: (beat,) places in samples.
        span: samples of the beat before and after its mark.
        reach: most samples that a mark is moved by in one pass.

    Returns:
        (beat,) places in samples, their mean shift removed.

    Reference: Woody, "Characterization of an adaptive filter for the analysis of variable latency
    neuroelectric signals", Medical and Biological Engineering 5, 1967.
    """
    n = signals.shape[1]
    moved: NDArray[np.float64] = np.asarray(marks, dtype=np.float64)
    if len(moved) < 3:
        return moved
    for _ in range(2):
        centres = np.clip(np.rint(moved).astype(np.int64), 0, n - 1)
        template = robust_average(cut_windows(signals, centres, *span))
        curve = match_template(signals, template, weights, span[0])
        near = cut_windows(curve[None], centres, reach + 1, reach + 1)[:, 0]
        best = 1 + near[:, 1:-1].argmax(axis=1)
        rows = np.arange(len(near))
        sides = near[rows, best - 1], near[rows, best], near[rows, best + 1]
        shifts = best - reach - 1 + parabola_offset(*sides)
        clear = (np.abs(shifts) <= reach) & (sides[1] > 0.2)
        shifts = np.where(clear, shifts, 0.0)
        moved = np.where(clear, centres + shifts, moved)
        moved = np.asarray(moved - np.median(moved - marks), dtype=np.float64)
    return moved
