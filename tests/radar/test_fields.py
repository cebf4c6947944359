"""Fields are filled by pieces, and refuse what cannot be held at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar import fields
from radarode.radar.capture import Capture, CaptureFacts
from radarode.radar.description import PulsedRadar
from radarode.radar.fields import PulsedField
from radarode.radar.presets import PRESETS


class Pulses(Capture):
    """Frames in memory that note how many were asked for at once."""

    def __init__(self, frames: np.ndarray) -> None:
        radar = PRESETS["a121"]
        assert isinstance(radar, PulsedRadar)
        super().__init__(radar, Path("simulated"), CaptureFacts("array", len(frames), np.zeros(len(frames))))
        self.frames, self.most = frames, 0

    def _read(self, first: int, last: int) -> np.ndarray:
        self.most = max(self.most, last - first)
        return self.frames[first:last]


@pytest.fixture
def pulses(rng: np.random.Generator) -> Pulses:
    points = PRESETS["a121"].points  # pyright: ignore[reportAttributeAccessIssue]
    return Pulses((rng.normal(size=(50, points)) + 1j * rng.normal(size=(50, points))).astype(np.complex64))


def test_a_pulsed_field_is_filled_by_pieces(pulses: Pulses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "CHUNK_BYTES", 1)
    seen: list[int] = []
    np.testing.assert_array_equal(PulsedField(pulses, lambda _what, done, _of: seen.append(done)).values, pulses.frames)
    assert pulses.most == 16
    assert seen == [16, 32, 48, 50]


def test_a_pulsed_field_that_is_too_long_is_refused(pulses: Pulses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "LARGEST_BYTES", 1000)
    with pytest.raises(InputError, match="too long to be held at once"):
        PulsedField(pulses)
    assert pulses.most == 0
