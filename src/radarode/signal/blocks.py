"""The block machinery that every transform shares: samples in, frames out, whole record or stream alike.

    samples ── filter bank ──► W at the internal rate ── magnitude ──► low-pass and decimate ──► frames

The signal is zero outside the record, at both ends. Offline is the stream fed with large chunks, so the two
agree by construction, up to float32 rounding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.constants import FRAME_RATE_HZ, FS_HZ
from radarode.core.errors import InputError
from radarode.core.types import Spectrogram
from radarode.signal.atoms import Atoms
from radarode.signal.filterbank import DIRECT_GROUPS, FilterBank
from radarode.signal.kernels import decimate, modulus
from radarode.signal.parallel import map_side_by_side
from radarode.signal.resample import lowpass_taps
from radarode.signal.stream_state import StreamState

INTERNAL_RATE_HZ = 60.0
"""Rate at which |T| is formed before it is low-passed to the frame rate.

Against 600 Hz the frames of simulated cardiac motion correlate 0.9998 (90 Hz: 0.99995, 120 Hz: 0.99998).
"""

LOWPASS_HALF_S = 0.3
BLOCK_SAMPLES = 15_000
"""Length of the Fourier blocks of a whole record (measured: longer ones leave the cache, shorter ones overlap more)."""


class Transform(ABC):
    """Turn micro-motion into magnitude frames on a fixed frequency axis, and own both axes.

    Frame k stands at k / `frame_rate_hz` seconds; a record of n samples has ceil(n · frame rate / fs) frames.

    Args:
        atoms: the filters of the bank.
        fs_hz: rate of the input.
        frame_rate_hz: rate of the frames.
        internal_rate_hz: rate of the magnitudes before the low-pass; a multiple of `frame_rate_hz`.

    Attributes:
        freqs_hz: (row,) centre frequencies.
        lag_s: a frame is emitted once the stream is at least this far beyond its time.
    """

    name: ClassVar[str]
    derivative: ClassVar[bool] = False

    def __init__(
        self,
        atoms: Atoms,
        *,
        fs_hz: float = FS_HZ,
        frame_rate_hz: float = FRAME_RATE_HZ,
        internal_rate_hz: float = INTERNAL_RATE_HZ,
    ) -> None:
        _check_rates(atoms, fs_hz, frame_rate_hz, internal_rate_hz)
        self.freqs_hz = atoms.freqs_hz
        self.fs_hz = float(fs_hz)
        self.frame_rate_hz = float(frame_rate_hz)
        self.internal_rate_hz = float(internal_rate_hz)
        self.bank = FilterBank(atoms, fs_hz, internal_rate_hz, derivative=self.derivative)
        self._step = round(internal_rate_hz / frame_rate_hz)
        groups = math.ceil(LOWPASS_HALF_S * internal_rate_hz / self.bank.points)
        self._margin = groups * self.bank.points
        self._lead = self.bank.half + groups * self.bank.samples
        # As many zeros behind a record bring out its last frame: what a frame needs ahead, and two groups of rounding.
        self._tail = self._lead + 2 * self.bank.samples
        taps = lowpass_taps(self._margin, 0.84 * frame_rate_hz / internal_rate_hz, beta=5.0)
        self._lowpass = taps.astype(np.float32)
        self.lag_s = self._lead / self.fs_hz

    @abstractmethod
    def _magnitude(self, analysis: Tensor) -> Tensor:
        """Return (channel, point, row) magnitudes from the bank's (part, channel, row, point) output."""

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a record of `n_samples`."""
        return math.ceil(round(n_samples * self.frame_rate_hz / self.fs_hz, 9))

    def __call__(self, rcg: NDArray[np.floating] | Tensor) -> Spectrogram:
        """Transform a whole record.

        Args:
            rcg: (channel, time) finite samples at `fs_hz`.

        Returns:
            Spectrogram whose values are a float32 tensor (channel, row, frame).

        Raises:
            InputError: wrong shape, or values that are not finite.
        """
        values = torch.cat(list(self.blocks(rcg)), dim=-1)
        return Spectrogram(values, self.freqs_hz, self.frame_rate_hz, transform=self.name)

    def blocks(self, rcg: NDArray[np.floating] | Tensor) -> Iterator[Tensor]:
        """Yield the frames of a whole record as consecutive tensors (channel, row, frame), in bounded memory."""
        x = _as_samples(rcg)
        missing = self.n_frames(x.shape[1])
        if not missing:
            yield torch.zeros(x.shape[0], len(self.freqs_hz), 0)
            return
        ends = x.shape[1] + self._tail
        chunk = self._chunk(ends)
        state = self.init_state(x.shape[0])
        for start in range(0, ends, chunk):
            part = _zero_padded(x[:, start : start + chunk], min(chunk, ends - start))
            state, frames = self._advance(state, part)
            frames = frames[..., :missing]
            missing -= frames.shape[-1]
            if frames.shape[-1]:
                yield frames

    def _chunk(self, n_samples: int) -> int:
        """Return how many samples at a time go through a record with the least work, in blocks of bounded length."""
        fewest = math.ceil(n_samples / max(BLOCK_SAMPLES - self.bank.width, 10 * self.bank.samples))
        chunks = [math.ceil(n_samples / blocks) for blocks in range(fewest, fewest + 3)]
        return min(chunks, key=lambda c: math.ceil(n_samples / c) * self.bank.fast_groups(c + self.bank.width))

    def init_state(self, n_channels: int) -> StreamState:
        """Return the state of a stream of `n_channels` that has seen nothing yet."""
        if n_channels < 1:
            raise InputError.of("n_channels", "at least 1", n_channels)
        return StreamState(torch.zeros(n_channels, self._lead), torch.zeros(n_channels, 0, len(self.freqs_hz)), 0, 0)

    def step(self, state: StreamState, chunk: NDArray[np.floating] | Tensor) -> tuple[StreamState, Tensor]:
        """Take in the next samples and return the frames that are complete by now.

        Args:
            state: the stream so far; it is not changed.
            chunk: (channel, time) the next samples, any number of them.

        Returns:
            The new state, and frames (channel, row, k) with k >= 0.

        Raises:
            InputError: wrong shape, another channel count, or values that are not finite.
        """
        x = _as_samples(chunk)
        if x.shape[0] != state.samples.shape[0]:
            raise InputError.of("chunk", f"of {state.samples.shape[0]} channels", f"{x.shape[0]} channels")
        return self._advance(state, x)

    def flush(self, state: StreamState) -> Tensor:
        """Return the last frames (channel, row, k) of a stream that ends here."""
        missing = self.n_frames(state.n_samples) - state.n_frames
        padding = torch.zeros(state.samples.shape[0], self._tail)
        return self._advance(state, padding)[1][..., :missing]

    def _advance(self, state: StreamState, x: Tensor) -> tuple[StreamState, Tensor]:
        groups = self.bank.n_groups(state.samples.shape[1] + x.shape[1])
        if len(x) == 1 or groups <= DIRECT_GROUPS:
            return self._advance_together(state, x, groups)
        with map_side_by_side() as map_parts:
            done = map_parts(lambda one, part: self._advance_together(one, part, groups), state.split(), x.split(1))
        states, frames = zip(*done, strict=True)
        return StreamState.joined(states), torch.cat(frames)

    def _advance_together(self, state: StreamState, x: Tensor, groups: int) -> tuple[StreamState, Tensor]:
        samples, magnitudes = torch.cat([state.samples, x], dim=-1), state.magnitudes
        if groups:
            magnitudes = torch.cat([magnitudes, self._magnitude(self.bank(samples, groups))], dim=1)
            samples = samples[:, groups * self.bank.samples :].clone()
        count = max(0, (magnitudes.shape[1] - 2 * self._margin - 1) // self._step + 1)
        frames = torch.empty(len(samples), len(self.freqs_hz), count)
        decimate(magnitudes.numpy(), self._lowpass, self._step, frames.numpy())
        if count:
            magnitudes = magnitudes[:, count * self._step :].clone()
        n_samples, n_frames = state.n_samples + x.shape[1], state.n_frames + count
        return StreamState(samples, magnitudes, n_samples, n_frames), frames


def magnitude(z: Tensor) -> Tensor:
    """Return (channel, point, row) |z| of (channel, row, point) complex values."""
    channels, rows, points = z.shape
    out = torch.empty(channels, points, rows)
    modulus(real_pairs(z), out.numpy())
    return out


def real_pairs(z: Tensor) -> NDArray[np.float32]:
    """Return complex values as real and imaginary parts along one more axis, in the same memory."""
    return torch.view_as_real(z).numpy()


def _zero_padded(x: Tensor, length: int) -> Tensor:
    """Return (channel, `length`) samples: those of `x`, then zeros."""
    return x if x.shape[1] == length else torch.nn.functional.pad(x, (0, length - x.shape[1]))


def _as_samples(rcg: NDArray[np.floating] | Tensor) -> Tensor:
    x = torch.as_tensor(rcg)
    if x.ndim != 2 or x.shape[0] == 0:
        raise InputError.of("rcg", "an array (channel, time)", f"shape {tuple(x.shape)}")
    x = x.detach().to(torch.float32)
    if not bool(torch.isfinite(x).all()):
        raise InputError.of("rcg", "finite", "NaN or infinite samples", "Fill gaps first with `fill_gaps`")
    return x


def _check_rates(atoms: Atoms, fs_hz: float, frame_rate_hz: float, internal_rate_hz: float) -> None:
    for name, rate in (("fs_hz", fs_hz), ("frame_rate_hz", frame_rate_hz)):
        if not 0 < rate < math.inf:
            raise InputError.of(name, "positive", rate)
    if Fraction(internal_rate_hz / fs_hz).limit_denominator(1000) != Fraction(internal_rate_hz) / Fraction(fs_hz):
        rule = f"in a ratio of small integers to {internal_rate_hz:g} Hz"
        raise InputError.of("fs_hz", rule, fs_hz, "Resample the motion first with `resample`")
    multiple = internal_rate_hz / frame_rate_hz
    if abs(multiple - round(multiple)) > 1e-9 or multiple < 1:
        raise InputError.of("internal_rate_hz", f"a multiple of {frame_rate_hz:g} Hz", internal_rate_hz)
    if not atoms.support_s >= 0.1:
        raise InputError.of("support_s", "at least 0.1 s", atoms.support_s)
    skirt_hz = 4 / (2 * np.pi * atoms.sigma_s)
    top_hz = float((atoms.freqs_hz + skirt_hz).max())
    if top_hz > min(internal_rate_hz * 5 / 6, fs_hz / 2):
        raise InputError.of(
            "band_hz",
            f"inside the rates (the highest row reaches {top_hz:.0f} Hz)",
            f"fs {fs_hz:g} Hz, internal {internal_rate_hz:g} Hz",
            "Raise internal_rate_hz or lower the band",
        )
