"""Inner loops of deformable sampling: a sample is the weighted sum of the four pixels around its place.

Pixels are (row, frame) of a window, with their channels side by side in memory. What lies outside the image is 0: its
pixel is held within the image and its share is 0, so that a place that is no number gives no number, and reads no
memory but the image's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from radarode.core.compiled import compiled


@compiled
def _around(place: Any, size: int) -> tuple[Any, ...]:
    """Return the pixels before and after a place, each 1 or 0 for inside or outside, and the fraction between them."""
    before = np.floor(place)
    fraction = place - before
    inside = before >= 0 and before < size
    inside_next = before >= -1 and before < size - 1
    low = int(before) if inside else 0
    high = int(before) + 1 if inside_next else 0
    return low, high, 1.0 if inside else 0.0, 1.0 if inside_next else 0.0, fraction


@compiled
def _places(offset: Any, row: int, frame: int, tap: int, rows: int, frames: int) -> tuple[Any, ...]:
    """Return `_around` of the row and of the frame where a tap of a pixel samples."""
    y, t = row + tap // 3 - 1 + offset[2 * tap], frame + tap % 3 - 1 + offset[2 * tap + 1]
    return _around(y, rows), _around(t, frames)


@compiled
def sample(x: Any, offset: Any, mask: Any, lines: tuple[int, int], out: Any) -> None:
    """Write the nine samples of every pixel of some lines (window · row).

    Args:
        x: (window, row, frame, channel).
        offset: (window, row, frame, 18), (Δrow, Δframe) of tap 0, then of tap 1, ...
        mask: (window, row, frame, 9) factor of each tap.
        lines: first line, and the one behind the last.
        out: (window, row, frame, 9, channel), written to.
    """
    _, rows, frames, channels = x.shape
    share = np.empty(4, x.dtype)
    for line in range(lines[0], lines[1]):
        window, row = line // rows, line % rows
        for frame in range(frames):
            for tap in range(9):
                vertical, horizontal = _places(offset[window, row, frame], row, frame, tap, rows, frames)
                top, bottom, has_top, has_bottom, down = vertical
                left, right, has_left, has_right, along = horizontal
                factor = mask[window, row, frame, tap]
                upper, lower = (1 - down) * has_top * factor, down * has_bottom * factor
                share[0], share[1] = upper * (1 - along) * has_left, upper * along * has_right
                share[2], share[3] = lower * (1 - along) * has_left, lower * along * has_right
                a, b, c, d = share[0], share[1], share[2], share[3]
                pixel_a, pixel_b = x[window, top, left], x[window, top, right]
                pixel_c, pixel_d = x[window, bottom, left], x[window, bottom, right]
                to = out[window, row, frame, tap]
                for channel in range(channels):
                    to[channel] = (a * pixel_a[channel] + b * pixel_b[channel]) + (
                        c * pixel_c[channel] + d * pixel_d[channel]
                    )


@compiled
def spread(
    x: Any, offset: Any, mask: Any, by_out: Any, windows: tuple[int, int], by_x: Any, by_offset: Any, by_mask: Any
) -> None:
    """Take gradients by the samples back to the pixels, offsets and factors of some windows.

    Args:
        x: (window, row, frame, channel).
        offset: (window, row, frame, 18), (Δrow, Δframe) of tap 0, then of tap 1, ...
        mask: (window, row, frame, 9) factor of each tap.
        by_out: (window, row, frame, 9, channel) gradients by what `sample` wrote.
        windows: first window, and the one behind the last.
        by_x: like `x`, zeros, added to.
        by_offset: like `offset`, written to.
        by_mask: like `mask`, written to.
    """
    _, rows, frames, channels = x.shape
    share, dot = np.empty(4, x.dtype), np.empty(4, x.dtype)
    for window in range(windows[0], windows[1]):
        for row in range(rows):
            for frame in range(frames):
                for tap in range(9):
                    vertical, horizontal = _places(offset[window, row, frame], row, frame, tap, rows, frames)
                    top, bottom, has_top, has_bottom, down = vertical
                    left, right, has_left, has_right, along = horizontal
                    factor = mask[window, row, frame, tap]
                    share[0], share[1] = (1 - along) * has_left, along * has_right
                    share[2], share[3] = (1 - down) * has_top, down * has_bottom
                    west, east, north, south = share[0], share[1], share[2], share[3]

                    gradient = by_out[window, row, frame, tap]
                    pixel_a, pixel_b = x[window, top, left], x[window, top, right]
                    pixel_c, pixel_d = x[window, bottom, left], x[window, bottom, right]
                    dot[:] = 0
                    a, b, c, d = dot[0], dot[1], dot[2], dot[3]
                    for channel in range(channels):
                        a += gradient[channel] * pixel_a[channel]
                        b += gradient[channel] * pixel_b[channel]
                        c += gradient[channel] * pixel_c[channel]
                        d += gradient[channel] * pixel_d[channel]
                    above, below = west * a + east * b, west * c + east * d
                    before, after = has_left * (north * a + south * c), has_right * (north * b + south * d)
                    by_mask[window, row, frame, tap] = north * above + south * below
                    by_offset[window, row, frame, 2 * tap] = factor * (has_bottom * below - has_top * above)
                    by_offset[window, row, frame, 2 * tap + 1] = factor * (after - before)

                    north, south = north * factor, south * factor
                    _add(by_x[window, top, left], north * west, gradient)
                    _add(by_x[window, top, right], north * east, gradient)
                    _add(by_x[window, bottom, left], south * west, gradient)
                    _add(by_x[window, bottom, right], south * east, gradient)


@compiled
def _add(to: Any, share: Any, values: Any) -> None:
    if share != 0:
        for channel in range(len(values)):
            to[channel] += share * values[channel]
