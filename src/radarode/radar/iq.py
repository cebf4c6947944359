"""I and Q: the circle that a moving reflection draws, and what bends or shifts it.

z(t) = DC + A exp(j phi(t)): a constant from everything that stands still, and a circle around it. The phase must be
taken at the circle's centre. An analogue front end adds an imbalance of gain and phase, which turns the circle into
an ellipse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError

ComplexArray = NDArray[np.complexfloating]
FloatArray = NDArray[np.float64]

ROUNDEST = 0.25
"""A circle counts where the spread of radii is at most so large a share of the radius."""

SHORTEST_ARC_RAD = 1.5
"""And where the phases cover at least so much; a shorter arc does not tell its centre."""

_LARGEST_MOMENTS = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Circle:
    """Hold the circles through complex signals.

    Attributes:
        centre: (...) complex.
        radius: (...).
        spread: (...) standard deviation of the distance to the centre, over the radius.
        arc_rad: (...) how much of the circle the samples cover, up to 2 pi.
    """

    centre: ComplexArray
    radius: FloatArray
    spread: FloatArray
    arc_rad: FloatArray

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Return (...) where the circle is round and long enough for its centre to be subtracted."""
        return (self.spread <= ROUNDEST) & (self.arc_rad >= SHORTEST_ARC_RAD)

    @property
    def usable_centre(self) -> ComplexArray:
        """Return (...) the centre where it is trusted, else 0: a wrong centre does more harm than clutter."""
        return np.where(self.trusted, self.centre, 0.0)


def fit_circle(z: ComplexArray, steps: int = 12) -> Circle:
    """Fit a circle to each signal: least squares of the squared distance (Kasa), then of the distance itself.

    The second step (Gauss-Newton) takes off the bias of the first towards small circles on short, noisy arcs.

    Args:
        z: (..., time), at least 8 samples.
        steps: of the second kind.

    Returns:
        The circles, on the leading axes.

    Example:
        >>> z = 3 + 1j + 2 * np.exp(1j * np.linspace(0, 2, 200))
        >>> circle = fit_circle(z)
        >>> complex(np.round(circle.centre, 6)), round(float(circle.radius), 6), bool(circle.trusted)
        ((3+1j), 2.0, True)
    """
    if z.shape[-1] < 8:
        raise InputError.of("z", "at least 8 samples long", f"shape {z.shape}")
    mean = z.mean(axis=-1, keepdims=True, dtype=np.complex128)
    scale = np.maximum(np.abs(z - mean).mean(axis=-1, keepdims=True), 1e-30)
    w = ((z - mean) / scale).astype(np.complex128)
    centre, radius = _kasa(w)
    for _ in range(steps):
        centre, radius = _refine(w, centre, radius)
    away = w - centre[..., None]
    distance = np.abs(away)
    spread = distance.std(axis=-1) / np.maximum(radius, 1e-12)
    found = mean[..., 0] + scale[..., 0] * centre
    return Circle(found, scale[..., 0] * radius, spread, _arc(away))


def _kasa(w: ComplexArray) -> tuple[ComplexArray, FloatArray]:
    """Solve the linear fit of |w|^2 = 2 Re(conj(c) w) + d for signals of mean 0."""
    x, y = w.real, w.imag
    square = x * x + y * y
    xx, yy, xy = (x * x).mean(-1), (y * y).mean(-1), (x * y).mean(-1)
    bx, by = (x * square).mean(-1) / 2, (y * square).mean(-1) / 2
    det = xx * yy - xy * xy
    safe = np.where(det > _LARGEST_MOMENTS, det, 1.0)
    cx, cy = (yy * bx - xy * by) / safe, (xx * by - xy * bx) / safe
    centre = np.where(det > _LARGEST_MOMENTS, cx + 1j * cy, 0.0)
    return centre, np.sqrt(square.mean(-1) + np.abs(centre) ** 2)


def _refine(w: ComplexArray, centre: ComplexArray, radius: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Take one damped Gauss-Newton step of sum (|w - c| - r)^2, in the unknowns Re c, Im c and r."""
    away = w - centre[..., None]
    distance = np.maximum(np.abs(away), 1e-9)
    unit = away / distance
    rest = distance - radius[..., None]
    ux, uy = unit.real, unit.imag
    columns = np.stack([ux, uy, np.ones_like(ux)], axis=-2)
    normal = columns @ np.swapaxes(columns, -1, -2) / ux.shape[-1]
    right = (columns @ rest[..., None]) / ux.shape[-1]
    step = np.linalg.solve(normal + 1e-6 * np.eye(3), right)[..., 0]
    size = np.maximum(1.0, np.abs(step).max(axis=-1, keepdims=True))
    step = step / size
    return centre + step[..., 0] + 1j * step[..., 1], np.maximum(radius + step[..., 2], 1e-9)


def _arc(away: ComplexArray) -> FloatArray:
    """Return the angle that the samples cover: 2 pi minus the largest gap between 64 sectors that hold samples."""
    sectors = 64
    index = np.floor((np.angle(away) / (2 * np.pi) + 0.5) * sectors).astype(np.int64) % sectors
    flat = index.reshape(-1, index.shape[-1])
    counts = np.stack([np.bincount(row, minlength=sectors) for row in flat])
    full = counts > 0.002 * flat.shape[1]
    covered = np.empty(len(full))
    for row, sector in enumerate(full):
        places = np.flatnonzero(sector)
        gaps = np.diff(np.concatenate([places, places[:1] + sectors])) - 1
        covered[row] = sectors - gaps.max()
    return (2 * np.pi * covered / sectors).reshape(index.shape[:-1])


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Hold what a front end does to I and Q: I = x, Q = gain (y cos skew + x sin skew), after a shift.

    Attributes:
        centre: DC of I and Q.
        gain: amplitude of Q over that of I.
        skew_rad: how far Q is from a right angle to I.
    """

    centre: complex
    gain: float
    skew_rad: float


def fit_imbalance(z: NDArray[np.complexfloating]) -> Imbalance:
    """Fit an ellipse to I and Q and read DC, gain and phase imbalance off it.

    Least squares of the conic with the constraint 4ac - b^2 = 1 (an ellipse and nothing else), in the numerically
    stable form of Halir and Flusser (1998).

    Args:
        z: (time,), with phases over most of a turn.

    Raises:
        InputError: the samples do not determine an ellipse.
    """
    mean = z.mean(dtype=np.complex128)
    scale = float(np.abs(z - mean).mean())
    if len(z) < 8 or not scale > 0:
        raise InputError("I and Q do not move; no ellipse can be fitted. Choose a stretch with breathing.")
    w = (z - mean) / scale
    x, y = w.real, w.imag
    quadratic, linear = np.stack([x * x, x * y, y * y], 1), np.stack([x, y, np.ones_like(x)], 1)
    s1, s2, s3 = quadratic.T @ quadratic, quadratic.T @ linear, linear.T @ linear
    try:
        to_linear = -np.linalg.solve(s3, s2.T)
    except np.linalg.LinAlgError as error:
        raise InputError(
            "I and Q move on a line; no ellipse can be fitted. Choose a stretch with breathing."
        ) from error
    reduced = s1 + s2 @ to_linear
    reduced = np.stack([reduced[2] / 2, -reduced[1], reduced[0] / 2])
    _, vectors = np.linalg.eig(reduced)
    vectors = np.real(vectors)
    inside = 4 * vectors[0] * vectors[2] - vectors[1] ** 2
    a, b, c = vectors[:, int(np.argmax(inside))]
    d, e, _ = to_linear @ np.array([a, b, c])
    if inside.max() <= 0:
        raise InputError("I and Q do not lie on an ellipse. Choose a stretch with breathing and without movement.")
    det = 4 * a * c - b * b
    centre = complex((b * e - 2 * c * d) / det, (b * d - 2 * a * e) / det)
    gain = float(np.sqrt(a / c))
    skew = float(np.arcsin(np.clip(-b / (2 * np.sqrt(a * c)) * np.sign(a), -1.0, 1.0)))
    return Imbalance(complex(mean + scale * centre), gain, skew)


def correct_imbalance(z: NDArray[np.complexfloating], imbalance: Imbalance) -> NDArray[np.complex128]:
    """Turn the ellipse into a circle around 0.

    Args:
        z: (..., time).
        imbalance: result of `fit_imbalance`.

    Example:
        >>> phi = np.linspace(0, 9, 500)
        >>> bent = 2 + np.cos(phi) + 1j * (1.3 * np.sin(phi + 0.2) - 1)
        >>> fixed = correct_imbalance(bent, fit_imbalance(bent))
        >>> bool(np.allclose(np.unwrap(np.angle(fixed)), phi, atol=1e-6))
        True
    """
    away = z.astype(np.complex128) - imbalance.centre
    x = away.real
    y = (away.imag / imbalance.gain - x * np.sin(imbalance.skew_rad)) / np.cos(imbalance.skew_rad)
    return x + 1j * y
