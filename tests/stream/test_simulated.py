from __future__ import annotations

import math

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.stream.sources.simulated import SimulatedSettings, SimulatedSource
from radarode.stream.types import SourceFacts
from tests.stream.made import facts_of, packets_of, run, take

QUIET = SimulatedSettings(channels=2, movement=0.0, snr_db=20.0)


def first_seconds(source: SimulatedSource, seconds: float) -> list:
    return run(take(source, lambda items: len(items) > 10 * seconds))


def test_stream_goes_on_across_blocks_and_says_that_it_is_simulated() -> None:
    source = SimulatedSource(5, speed=math.inf, settings=QUIET)
    items = first_seconds(source, 45)
    facts = items[0]
    assert isinstance(facts, SourceFacts)
    assert facts.simulated
    assert facts.channels == 2
    assert len(facts_of(items)) == 1
    packets = packets_of(items)
    assert [packet.index for packet in packets] == list(range(0, 20 * len(packets), 20))
    assert all(packet.motion.shape == (2, 20) for packet in packets)
    r_s = source.r_peaks_s()
    assert r_s[-1] <= 45
    assert 30 < len(r_s) < 90
    assert np.all(np.diff(r_s) > 0.3)


def test_truth_is_told_as_it_is_sent() -> None:
    source = SimulatedSource(5, speed=math.inf, settings=QUIET)
    first_seconds(source, 5)
    sent = source.r_peaks_s()
    assert sent[-1] <= 5.0
    first_seconds(source, 30)
    assert np.array_equal(source.r_peaks_s()[: len(sent)], sent)


def test_real_time_is_real() -> None:
    items = first_seconds(SimulatedSource(5, settings=QUIET), 0.7)
    packets = packets_of(items)
    assert packets[-1].arrived_s - packets[0].arrived_s == pytest.approx(0.1 * (len(packets) - 1), abs=0.08)
    assert packets[3].device_s == pytest.approx(0.3)


@pytest.mark.parametrize(("heart_bpm", "expected"), [(40.0, 40.0), ("0:150", 150.0)])
def test_heart_rate_is_what_was_asked_for(heart_bpm: float | str, expected: float) -> None:
    settings = SimulatedSettings(heart_bpm=heart_bpm, channels=1)
    source = SimulatedSource(7, speed=math.inf, settings=settings)
    first_seconds(source, 60)
    assert 60 / np.diff(source.r_peaks_s()).mean() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SimulatedSource(-1),
        lambda: SimulatedSource(speed=0.0),
        lambda: SimulatedSettings(status="AB"),  # type: ignore[arg-type]
        lambda: SimulatedSource(settings=SimulatedSettings(channels=0)),
        lambda: SimulatedSource(settings=SimulatedSettings(heart_bpm="x")),
        lambda: SimulatedSource(settings=SimulatedSettings(heart_bpm=1000)),
    ],
)
def test_bad_options_are_refused_before_anything_runs(make) -> None:
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize("channels", [0, 1025, 2.0, "2"])
def test_channels_out_of_range_are_refused_at_once(channels: object) -> None:
    with pytest.raises(InputError, match="`channels` must be a whole number between 1 and 1024"):
        SimulatedSettings(channels=channels)  # type: ignore[arg-type]
