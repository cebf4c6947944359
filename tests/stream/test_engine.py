"""The engine against the offline reconstruction, and what it draws before all is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import ReconstructedEcg, Recording
from radarode.models.pretrained import Pretrained
from radarode.reconstruction import reconstruct
from radarode.stream.engine import Engine, EngineOutput, EngineState
from radarode.stream.types import StreamSettings
from tests.stream.live_help import away, beats, joined, simulated, trained, untrained


def stream(rcg: np.ndarray, weights: Pretrained, size: int = 100, **settings: float) -> list[EngineOutput]:
    engine = Engine(weights, len(rcg), StreamSettings(**settings))
    state, outputs = engine.start(), []
    for begin in range(0, rcg.shape[1], size):
        state, new = engine.step(state, rcg[:, begin : begin + size])
        outputs += new
    return outputs + engine.step(state, rcg[:, :0], end=True)[1]


def offline(recording: Recording, rcg: np.ndarray, weights: Pretrained) -> ReconstructedEcg:
    return reconstruct(replace(recording, rcg=rcg), weights)


@pytest.fixture(scope="module")
def recording() -> Recording:
    return simulated(40.0, 2)


@pytest.fixture(scope="module")
def outputs(recording: Recording) -> list[EngineOutput]:
    return stream(recording.rcg, trained())


def test_the_settled_ecg_is_the_offline_one(recording: Recording, outputs: list[EngineOutput]) -> None:
    whole = offline(recording, recording.rcg, trained())
    np.testing.assert_allclose(joined(outputs, "settled"), whole.ecg, atol=1e-4)
    np.testing.assert_allclose(beats(outputs, "settled_beats"), whole.beats.r_s, atol=1e-5)
    lengths = np.concatenate([one.settled_beats.length_s for one in outputs])
    np.testing.assert_allclose(lengths, whole.beats.length_s, atol=1e-5)


def test_drawn_beats_are_those_that_settle(recording: Recording, outputs: list[EngineOutput]) -> None:
    settled, drawn = beats(outputs, "settled_beats"), beats(outputs, "drawn_beats")
    distance = away(settled, drawn)
    assert len(settled) > 25
    assert np.mean(distance <= 0.02) > 0.9
    assert np.diff(drawn).min() >= 0.27
    assert len(joined(outputs, "drawn")) == recording.rcg.shape[1]


def test_beats_lie_in_what_they_come_with(outputs: list[EngineOutput]) -> None:
    drawn = settled = 0
    for one in outputs:
        for part, first, found in ((one.drawn, drawn, one.drawn_beats), (one.settled, settled, one.settled_beats)):
            assert ((found.r_s >= first / 200) & (found.r_s < (first + len(part)) / 200)).all()
        drawn, settled = drawn + len(one.drawn), settled + len(one.settled)


def test_drawing_keeps_its_promise(outputs: list[EngineOutput]) -> None:
    lags = np.array([one.lag_s for one in outputs[10:-1]])
    np.testing.assert_allclose(lags, 2.0)  # just behind a hop; 2.5 s just before the next one


def test_what_is_drawn_has_no_jumps(outputs: list[EngineOutput]) -> None:
    ecg = joined(outputs, "drawn")
    joints = np.cumsum([len(one.drawn) for one in outputs])[:-1]
    steps = np.abs(np.diff(ecg))
    assert np.nanmax(steps[joints[joints < len(ecg) - 1] - 1]) <= np.nanmax(steps)
    assert np.nanmax(steps) < 0.35


@pytest.mark.parametrize("size", [7, 1000])
def test_chunks_do_not_show(size: int) -> None:
    rcg = simulated(14.0, 2).rcg.copy()
    rcg[0, 900:1300] = np.nan
    one, other = stream(rcg, untrained()), stream(rcg, untrained(), size)
    for name in ("drawn", "settled", "frames", "rcg"):
        np.testing.assert_array_equal(joined(one, name), joined(other, name))


def test_a_step_leaves_the_old_state_alone() -> None:
    engine = Engine(untrained(), 2, StreamSettings())
    rcg = simulated(14.0, 2).rcg
    state, _ = engine.step(engine.start(), rcg[:, :2000])
    first = engine.step(state, rcg[:, 2000:2400])[1]
    second = engine.step(state, rcg[:, 2000:2400])[1]
    for name in ("drawn", "settled", "frames"):
        np.testing.assert_array_equal(joined(first, name), joined(second, name))


def test_a_blackout_is_a_gap_and_passes_within_a_window(recording: Recording) -> None:
    rcg = recording.rcg.copy()
    rcg[:, 3000:5000] = np.nan
    outputs = stream(rcg, trained())
    whole = offline(recording, rcg, trained())
    ecg, drawn = joined(outputs, "drawn"), beats(outputs, "drawn_beats")
    assert np.isnan(ecg[3000:5000]).all()
    assert np.isfinite(ecg[5000 + 800 :]).mean() > 0.99
    assert not ((drawn > 15.0) & (drawn < 25.0)).any()
    assert {one.signal for one in outputs[36:49]} == {"no signal"}
    assert all(one.heart_rate_bpm is None for one in outputs[36:49])
    settled = beats(outputs, "settled_beats")
    assert np.mean(away(whole.beats.r_s, settled) <= 0.005) == 1.0
    assert len(settled) == len(whole.beats)


@pytest.mark.slow
def test_dead_and_stuck_channels_and_short_losses_settle_as_offline(recording: Recording) -> None:
    rcg = recording.rcg.copy()
    rcg[0, 2000:3500] = np.nan
    rcg[1, 4000:6000] = 1.0
    rcg[:, 3700:3715] = np.nan
    outputs = stream(rcg, trained())
    whole = offline(recording, rcg, trained())
    assert np.mean(away(whole.beats.r_s, beats(outputs, "settled_beats")) <= 0.005) >= 0.98
    assert np.mean(away(whole.beats.r_s, beats(outputs, "drawn_beats")) <= 0.05) > 0.9
    assert max(one.lag_s for one in outputs[10:-1]) == 2.0  # nobody waits for a dead channel


def test_signal_and_rate(recording: Recording, outputs: list[EngineOutput]) -> None:
    assert outputs[0].signal == "warming up"
    assert outputs[-2].signal == "ok"
    assert recording.r_peaks_s is not None
    truth = 60.0 / np.mean(np.diff(recording.r_peaks_s[recording.r_peaks_s > 28.0]))
    assert outputs[-2].heart_rate_bpm == pytest.approx(truth, abs=3.0)
    assert outputs[-2].quality > 0.5


def test_noise_has_no_heartbeat(rng: np.random.Generator) -> None:
    outputs = stream(rng.standard_normal((3, 3000)).astype(np.float32), trained())
    assert outputs[-2].signal == "no heartbeat"
    assert outputs[-2].heart_rate_bpm is None


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_without_motion_there_is_no_signal(value: float) -> None:
    outputs = stream(np.full((2, 1600), value, np.float32), untrained())
    assert [one.signal for one in outputs[4:]] == ["no signal"] * len(outputs[4:])
    assert np.isnan(joined(outputs, "drawn")).all()
    assert len(joined(outputs, "settled")) == 1600


@pytest.mark.parametrize("samples", [0, 1, 799, 801])
def test_a_short_stream_ends_well(samples: int) -> None:
    outputs = stream(simulated(14.0, 2).rcg[:, :samples], untrained())
    assert len(joined(outputs, "drawn")) == len(joined(outputs, "settled")) == samples
    assert joined(outputs, "frames").shape[1] == -(-samples * 3 // 20)


def size_of(state: object) -> int:
    total = 0
    for name in getattr(type(state), "__slots__", ()):
        value = getattr(state, name)
        total += value.nbytes if hasattr(value, "nbytes") else size_of(value)
    return total


def test_memory_is_bounded() -> None:
    engine = Engine(untrained(), 2, StreamSettings())
    rcg, state = simulated(14.0, 2).rcg, engine.start()
    sizes: list[int] = []
    for k in range(130):
        state, _ = engine.step(state, np.roll(rcg, 37 * k, axis=1)[:, :100])
        sizes.append(size_of(state))
    assert isinstance(state, EngineState)
    assert max(sizes[110:]) <= 1.02 * max(sizes[90:110])


def test_other_weights_are_refused() -> None:
    with pytest.raises(InputError, match="alone can stream"):
        Engine(replace(untrained(), framework="mmecg"), 2, StreamSettings())


@pytest.mark.slow
def test_the_camera_recording(real_data: Path) -> None:
    from radarode import load

    recording = load(real_data / "camera_scg_multipoint" / "1-2.mat")
    outputs, whole = stream(recording.rcg, trained()), reconstruct(recording, trained())
    assert np.mean(away(whole.beats.r_s, beats(outputs, "settled_beats")) <= 0.005) == 1.0
    assert np.mean(away(whole.beats.r_s, beats(outputs, "drawn_beats")) <= 0.005) >= 0.99
    np.testing.assert_allclose(joined(outputs, "settled"), whole.ecg, atol=1e-3)
