"""The domain types that flow through the pipeline: frozen, and checked once, on construction.

    Recording -> Spectrogram -> Segments -> TaskOutputs -> ReconstructedEcg -> Scores

Arrays are numpy except where a class says that it holds tensors. Times are seconds from the start of the
recording; a missing optional value is `None`, a missing sample is NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError

FloatArray = NDArray[np.floating]

Motion = Literal["displacement", "velocity", "acceleration"]
"""What the sensor measured before it was brought to RCG (acceleration-like)."""

Status = Literal["NB", "IB", "PE", "SP", "unknown"]
"""MMECG's statuses: normal breathing, irregular breathing, post-exercise, sleep."""

MOTIONS: tuple[str, ...] = get_args(Motion)
STATUSES: tuple[str, ...] = get_args(Status)

LARGEST_RCG = 1e15
"""Far above any physical motion in any unit, and far enough below the largest float32 for sums of squares."""

FS_LIMITS_HZ = (20.0, 20_000.0)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """Hold one recording of chest micro-motion, with its reference where there is one.

    Attributes:
        rcg: (channel, time) second derivative of displacement, arbitrary units, float32. NaN marks gaps.
        fs_hz: sampling rate of `rcg` and `ecg_mv`.
        ecg_mv: (time,) reference ECG, or None. NaN marks gaps.
        r_peaks_s: (beat,) reference R peaks, increasing, or None.
        positions_m: (channel, 3) place of each point on the chest, or None.
        subject: who; recordings of one person share it (splits are by subject).
        trial: which recording of that person.
        status: one of `STATUSES`.
        source: where it comes from: "simulated", "mmecg", "camera", "nilspod", "wfdb", "table", ...
        motion: what the sensor measured before it was brought to RCG.
        notes: further facts, as short strings (clock corrections, simulation settings).
    """

    rcg: FloatArray
    fs_hz: float
    ecg_mv: FloatArray | None = None
    r_peaks_s: FloatArray | None = None
    positions_m: FloatArray | None = None
    subject: str = "unknown"
    trial: str = "1"
    status: Status = "unknown"
    source: str = "unknown"
    motion: Motion = "acceleration"
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rcg = np.ascontiguousarray(self.rcg, dtype=np.float32)
        if rcg.ndim != 2 or 0 in rcg.shape:
            raise InputError.of("rcg", "a non-empty array (channel, time)", f"shape {np.shape(self.rcg)}")
        if np.isinf(rcg).any():
            raise InputError.of("rcg", "finite, or NaN where samples are missing", "infinite values")
        if np.nanmax(np.abs(rcg), initial=0.0) > LARGEST_RCG:
            raise InputError.of("rcg", f"at most {LARGEST_RCG:g} in size", "larger values", "Check units and scale")
        if np.isnan(rcg).all():
            raise InputError.of("rcg", "known somewhere", "NaN in every sample of every channel")
        low, high = FS_LIMITS_HZ
        if not low <= self.fs_hz <= high:
            raise InputError.of("fs_hz", f"between {low:g} and {high:g} Hz", self.fs_hz)
        object.__setattr__(self, "rcg", rcg)
        object.__setattr__(self, "fs_hz", float(self.fs_hz))
        object.__setattr__(self, "notes", {str(k): str(v) for k, v in self.notes.items()})
        self._set_optional("ecg_mv", np.float32, (rcg.shape[1],))
        self._set_optional("positions_m", np.float32, (rcg.shape[0], 3))
        self._set_optional("r_peaks_s", np.float64, None)
        if self.r_peaks_s is not None and not _increasing(self.r_peaks_s):
            raise InputError.of("r_peaks_s", "finite and strictly increasing", "times out of order")
        if self.status not in STATUSES:
            raise InputError.of("status", f"one of {', '.join(STATUSES)}", repr(self.status))
        if self.motion not in MOTIONS:
            raise InputError.of("motion", f"one of {', '.join(MOTIONS)}", repr(self.motion))

    def _set_optional(self, name: str, dtype: type, shape: tuple[int, ...] | None) -> None:
        value = getattr(self, name)
        if value is None:
            return
        array = np.ascontiguousarray(value, dtype=dtype)
        if shape is not None and array.shape != shape:
            raise InputError.of(name, f"of shape {shape} to fit `rcg`", f"shape {array.shape}")
        if array.ndim != (1 if shape is None else len(shape)):
            raise InputError.of(name, "one-dimensional", f"shape {array.shape}")
        if np.isinf(array).any():
            raise InputError.of(name, "finite, or NaN where samples are missing", "infinite values")
        object.__setattr__(self, name, array)

    @property
    def n_channels(self) -> int:
        """Number of motion signals."""
        return self.rcg.shape[0]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.rcg.shape[1] / self.fs_hz

    @property
    def simulated(self) -> bool:
        """Whether the motion is simulated, which every table and picture must say."""
        return self.source == "simulated"

    @property
    def name(self) -> str:
        """`subject`-`trial`, for tables and file names."""
        return f"{self.subject}-{self.trial}"


@dataclass(frozen=True, slots=True, eq=False)
class Spectrogram:
    """Hold the magnitude of a time-frequency transform of every channel.

    Attributes:
        values: (channel, row, frame), not negative; numpy array or torch tensor.
        freqs_hz: (row,) centre frequency of each row, increasing.
        frame_rate_hz: frames per second.
        start_s: time of the first frame; frame k stands at `start_s + k / frame_rate_hz`.
        transform: "sst", "cwt" or "stft".
    """

    values: Any
    freqs_hz: FloatArray
    frame_rate_hz: float
    start_s: float = 0.0
    transform: str = "sst"

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[1] != len(self.freqs_hz):
            raise InputError.of(
                "values", f"(channel, {len(self.freqs_hz)} rows, frame)", f"shape {tuple(self.values.shape)}"
            )
        if not _increasing(np.asarray(self.freqs_hz)):
            raise InputError.of("freqs_hz", "finite and strictly increasing", self.freqs_hz)


ArrayT = TypeVar("ArrayT")


@dataclass(frozen=True, slots=True, eq=False)
class TaskOutputs(Generic[ArrayT]):
    """Hold the three tasks of a batch of windows: what a network gives, or what it should give.

    Attributes:
        shape: (window, 200) the cycle at the window's centre, scaled to [0, 1].
        length: (window, class) logits over cycle-length classes, or as a target their probabilities.
        anchor: (window, 800) R-peak map of the window at 200 Hz.
    """

    shape: ArrayT
    length: ArrayT
    anchor: ArrayT

    def items(self) -> tuple[tuple[str, ArrayT], ...]:
        """Return (task name, array) in the fixed task order."""
        return (("shape", self.shape), ("length", self.length), ("anchor", self.anchor))


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Hold a batch of windows with their targets.

    Attributes:
        inputs: (window, channel, row, frame) scaled spectrogram magnitudes.
        start_s: (window,) start of each window in its recording.
        targets: the three tasks.
    """

    inputs: Any
    start_s: FloatArray
    targets: TaskOutputs[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Hold the heartbeats found in a recording.

    Attributes:
        r_s: (beat,) R peaks, increasing.
        length_s: (beat,) length of the cycle that each R peak belongs to.
        quality: (beat,) signal-quality index in [0, 1].
    """

    r_s: FloatArray
    length_s: FloatArray
    quality: FloatArray

    def __post_init__(self) -> None:
        for name in ("r_s", "length_s", "quality"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if not self.r_s.shape == self.length_s.shape == self.quality.shape or self.r_s.ndim != 1:
            raise InputError.of("beats", "three equally long one-dimensional arrays", "different shapes")
        if not _increasing(self.r_s):
            raise InputError.of("r_s", "finite and strictly increasing", "times out of order")

    def __len__(self) -> int:
        return len(self.r_s)


@dataclass(frozen=True, slots=True, eq=False)
class ReconstructedEcg:
    """Hold a long-term ECG reconstructed from motion; its amplitude is nominal, not measured.

    Attributes:
        ecg: (time,) in [0, 1] of the cycle's range; NaN in gaps.
        fs_hz: sampling rate.
        beats: the heartbeats placed in it.
        gaps_s: (gap, 2) start and end of the stretches that are not reconstructed.
        calibrated: whether a constant delay measured against a reference was removed.
        delay_s: that delay; 0 when not calibrated.
    """

    ecg: FloatArray
    fs_hz: float
    beats: Beats
    gaps_s: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    calibrated: bool = False
    delay_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.ecg) / self.fs_hz


@dataclass(frozen=True, slots=True)
class Scores:
    """Hold the metrics of one recording in the three columns that are never mixed.

    Attributes:
        deployable: no reference of any kind used.
        calibrated: one constant delay, from the first 20 s against the reference, then frozen.
        oracle: offset from the whole reference; for comparison with published code only.
    """

    deployable: Mapping[str, float]
    calibrated: Mapping[str, float]
    oracle: Mapping[str, float]

    def columns(self) -> dict[str, dict[str, float]]:
        """Return the three columns as plain dictionaries, in fixed order."""
        return {name: dict(getattr(self, name)) for name in COLUMNS}


COLUMNS = ("deployable", "calibrated", "oracle")


def _increasing(values: FloatArray) -> bool:
    return bool(np.isfinite(values).all() and (np.diff(values) > 0).all())
