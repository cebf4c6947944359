"""Phase to displacement: x = phase * wavelength / (4 pi), unwrapped, with false turns repaired.

Increments are taken between neighbouring frames, so that nothing grows: a turn is false when the target was too weak to
have a phase (a fade), or faster than a quarter of a wavelength per frame.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.signal.gaps import find_gaps

ComplexArray = NDArray[np.complexfloating]
FloatArray = NDArray[np.float64]

FADED = 0.15
"""An amplitude below this share of the signal's median has no phase to trust."""

_NEIGHBOURS = 8
_TURN = 2 * math.pi


def phase_steps(z: ComplexArray, lost: NDArray[np.bool_] | None = None) -> FloatArray:
    """Return the phase gained from each frame to the next, within half a turn of what the neighbours suggest.

    Across lost or faded frames the phase runs straight; the number of whole turns is the one nearest to the speed
    before and after.

    Args:
        z: (..., time) complex signals, centred.
        lost: (time,) frames that were not received.

    Returns:
        (..., time), 0 first.
    """
    amplitude = np.abs(z)
    bad = amplitude < FADED * np.median(amplitude, axis=-1, keepdims=True)
    return steps_around(z, bad if lost is None else bad | lost)


def steps_around(z: ComplexArray, bad: NDArray[np.bool_]) -> FloatArray:
    """Return phase steps as `phase_steps` does, straight across the frames that are known to be bad.

    Args:
        z: (..., time) complex signals, centred.
        bad: (..., time) frames without a phase to trust.
    """
    flat, flags = z.reshape(-1, z.shape[-1]), bad.reshape(-1, z.shape[-1])
    steps = np.zeros(flat.shape)
    steps[:, 1:] = np.angle(flat[:, 1:] * flat[:, :-1].conj())
    for row in range(len(flat)):
        if flags[row].any() and not flags[row].all():
            _bridge(steps[row], flat[row], flags[row])
    return steps.reshape(z.shape)


def _bridge(steps: FloatArray, z: ComplexArray, bad: NDArray[np.bool_]) -> None:
    """Replace the steps into, within and out of bad runs by a straight line with the likeliest number of turns."""
    good_step = ~(bad | np.concatenate([[False], bad[:-1]]))
    for start, stop in find_gaps(bad):
        if start == 0 or stop == len(z):
            steps[start : stop + 1] = 0.0
            continue
        total = float(np.angle(z[stop] * np.conj(z[start - 1])))
        near = np.concatenate([_last(steps, good_step, start), _first(steps, good_step, stop + 1)])
        speed = float(np.median(near)) if len(near) else 0.0
        count = stop - start + 1
        total += _TURN * round((speed * count - total) / _TURN)
        steps[start : stop + 1] = total / count


def _last(steps: FloatArray, good: NDArray[np.bool_], stop: int) -> FloatArray:
    part = slice(max(0, stop - _NEIGHBOURS), stop)
    return steps[part][good[part]]


def _first(steps: FloatArray, good: NDArray[np.bool_], start: int) -> FloatArray:
    part = slice(start, start + _NEIGHBOURS)
    return steps[part][good[part]]


def repair_turns(steps: FloatArray) -> FloatArray:
    """Take whole turns out of single steps that differ by more than half a turn from the speed around them.

    A target near half a turn per frame is read with the wrong sign now and then; its neighbours tell the sign.

    Args:
        steps: (..., time) phase steps.

    Example:
        >>> steps = np.full(20, 2.6)
        >>> steps[7] = 3.3 - 2 * math.pi
        >>> repair_turns(steps)[6:9].round(2).tolist()
        [2.6, 3.3, 2.6]
    """
    from scipy.ndimage import median_filter

    around = median_filter(steps, size=(1,) * (steps.ndim - 1) + (2 * _NEIGHBOURS + 1,), mode="nearest")
    return steps - _TURN * np.round((steps - around) / _TURN)


def displacement_m(z: ComplexArray, wavelength_m: float, lost: NDArray[np.bool_] | None = None) -> FloatArray:
    """Return the displacement away from the radar.

    Args:
        z: (..., time) centred complex signals whose phase grows with the distance.
        wavelength_m: of the carrier, or of the centre of the sampled sweep.
        lost: (time,) frames that were not received; NaN in the result.

    Returns:
        (..., time) metres, float64, 0 at the start.

    Raises:
        InputError: a wavelength that is not positive.

    Example:
        >>> x = 3e-3 * np.sin(np.linspace(0, 6, 300))
        >>> z = np.exp(4j * math.pi / 4e-3 * x)
        >>> bool(np.allclose(displacement_m(z, 4e-3), x, atol=1e-9))
        True
    """
    if not wavelength_m > 0:
        raise InputError.of("wavelength_m", "positive", wavelength_m)
    steps = repair_turns(phase_steps(z, lost))
    moved = np.cumsum(steps, axis=-1) * (wavelength_m / (4 * math.pi))
    if lost is not None:
        moved[..., lost] = np.nan
    return moved
