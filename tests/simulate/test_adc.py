from dataclasses import dataclass, replace

import numpy as np
import pytest

from radarode.radar.description import SPEED_OF_LIGHT_M_S, FmcwRadar
from radarode.radar.presets import PRESETS
from radarode.radar.range import range_fft
from radarode.simulate.adc import Echoes, beat_signal, sum_echoes
from radarode.simulate.cohort import person_of
from radarode.simulate.digitise import AdcSettings, choose_gain, raw_blocks
from radarode.simulate.scene import ROOM, Placement, Reflector, simulate_subject

AWR1843 = PRESETS["awr1843"]
assert isinstance(AWR1843, FmcwRadar)
SMALL = replace(
    AWR1843, samples=32, adc_rate_hz=5e6 / 8, tx_m=AWR1843.tx_m[:2], rx_m=AWR1843.rx_m[1:3], tx_order=(1, 0, 1)
)


@dataclass
class Sliding:
    """All scatterers move away at a constant speed, fast enough to be seen from chirp to chirp."""

    count: int
    speed_m_s: float = 2.0

    def displacement_m(self, times_s):
        return np.tile(self.speed_m_s * times_s, (self.count, 1))


@pytest.fixture(scope="module")
def subject():
    return simulate_subject(person_of(0, 3), 4.0, "NB", Placement(scatterers=11), np.random.default_rng(3))


def by_the_formula(radar, subject, reflectors, index):
    """Sum the formula in double precision, one path and one sample at a time."""
    out = np.zeros((len(index), *radar.frame_shape), dtype=complex)
    for f, frame in enumerate(index):
        for chirp, tx in enumerate(radar.tx_order):
            now_s = frame * radar.frame_period_s + chirp * radar.chirp_period_s
            moved_m = subject.motion.displacement_m(np.array([now_s]))[:, 0]
            places = [
                p + n * m for p, n, m in zip(subject.surface.places_m, subject.surface.inward, moved_m, strict=True)
            ]
            targets = list(zip(places, subject.surface.reflectivity, strict=True))
            targets += [(np.array(one.place_m), one.reflectivity) for one in reflectors]
            for place, strength in targets:
                there_m = np.linalg.norm(place - np.array(radar.tx_m[tx]))
                for rx in range(radar.n_rx):
                    back_m = np.linalg.norm(place - np.array(radar.rx_m[rx]))
                    tau = (there_m + back_m) / SPEED_OF_LIGHT_M_S
                    for i in range(radar.samples):
                        t = radar.adc_start_s + i / radar.adc_rate_hz
                        cycles = radar.start_hz * tau + radar.slope_hz_per_s * (tau * t - tau**2 / 2)
                        out[f, chirp, rx, i] += strength / (there_m * back_m) * np.exp(2j * np.pi * cycles)
    return out


@pytest.mark.parametrize("moves", ["chest", "slides"])
def test_the_signal_is_the_formula(subject, moves):
    seen = subject if moves == "chest" else replace(subject, motion=Sliding(11))
    index = np.array([3, 4, 70])
    got = Echoes(SMALL, [seen], ROOM[1:3]).frames(index)
    want = by_the_formula(SMALL, seen, ROOM[1:3], index)
    assert np.abs(got - want).max() < 3e-5 * np.abs(want).max()


def test_each_chirp_sees_the_chest_at_its_own_time(subject):
    frames = Echoes(SMALL, [replace(subject, motion=Sliding(11))]).frames(np.array([5]))[0]
    apart_s = 2 * SMALL.chirp_period_s  # chirps 0 and 2 have the same transmitter
    turn = np.angle(np.vdot(frames[0], frames[2]))
    lengthened_m = 2 * 2.0 * apart_s  # the way there and back, at 2 m/s and nearly head on
    assert turn == pytest.approx(2 * np.pi * lengthened_m / SMALL.wavelength_m, rel=0.1)


@pytest.mark.parametrize("span_m", [0.0, 0.2, 6.0])
def test_the_expansion_holds_over_any_span(span_m):
    rng = np.random.default_rng(0)
    path_m = rng.uniform(0.9, 0.9 + span_m + 1e-12, (7, 40))
    size, turn = rng.uniform(0.1, 1, path_m.shape), rng.uniform(-3, 3, path_m.shape)
    want = (beat_signal(path_m, size, AWR1843) * np.exp(1j * turn)[..., None]).sum(axis=1)
    got = sum_echoes(path_m, size, turn, AWR1843)
    assert np.abs(got - want).max() < 1e-5 * size.sum(axis=1).max()


def test_a_reflector_stands_where_it_is(subject):
    echoes = Echoes(AWR1843, [subject], [Reflector((0.0, 0.0, 0.70), 1.0)])
    bins, range_m = range_fft(echoes.still(1, None), AWR1843, oversample=64)
    peaks_m = range_m[np.abs(bins[0]).argmax(axis=-1)]
    assert np.abs(peaks_m - 0.70).max() < 1e-3
    assert np.abs(bins[0]).max() == pytest.approx(1 / 0.7**2, rel=1e-3)


def test_phase_noise_grows_with_range_where_it_is_correlated(subject):
    jitter = np.random.default_rng(1).normal(0, 0.01, (400, AWR1843.n_chirps))
    for range_m, correlated, times in ((1.0, True, 1.0), (3.0, True, 3.0), (1.0, False, 1.0), (3.0, False, 1.0)):
        echoes = Echoes(AWR1843, [subject], [Reflector((0, 0, range_m), 1.0)], correlated)
        turned = np.angle(echoes.still(400, jitter) / echoes.still(1, None))
        assert np.abs(turned - times * jitter[:, :, None, None]).max() < 1e-5


def test_phase_noise_turns_the_chest_too(subject):
    echoes = Echoes(SMALL, [subject], correlated=False)
    turned = echoes.frames(np.arange(4), np.full((4, 3), 0.3)) / echoes.frames(np.arange(4))
    assert np.abs(turned - np.exp(0.3j)).max() < 1e-3


def stream(echoes, settings, n_frames=40, seed=0):
    gain = choose_gain(echoes, n_frames, settings)
    return np.concatenate(list(raw_blocks(echoes, n_frames, settings, gain, np.random.default_rng(seed)))), gain


@pytest.mark.parametrize("iq", [True, False])
def test_noise_has_the_stated_level(subject, iq):
    radar = replace(SMALL, iq=iq)
    echoes = Echoes(radar, [subject], ROOM[2:3])
    noisy, gain = stream(echoes, AdcSettings(snr_db=6.0))
    quiet = np.concatenate(
        list(raw_blocks(echoes, 40, AdcSettings(), replace(gain, noise=0.0), np.random.default_rng(0)))
    )
    person = echoes.moving(np.arange(40)) * gain.counts
    power = np.mean(np.abs(person) ** 2) if iq else np.mean(person.real**2)
    noise = np.mean((noisy.astype(float) - quiet) ** 2) * (2 if iq else 1)
    assert 10 * np.log10(power / noise) == pytest.approx(6.0, abs=0.3)


def test_the_adc_is_filled_as_wanted_and_never_wraps(subject):
    echoes = Echoes(SMALL, [subject], ROOM[2:3])
    half, _ = stream(echoes, AdcSettings(snr_db=30, fill=0.5))
    assert 0.4 < np.abs(half.astype(int)).max() / 32768 < 0.55
    over, gain = stream(echoes, AdcSettings(snr_db=np.inf, fill=4.0))
    frames = echoes.frames(np.arange(40)) * gain.counts
    true = np.stack([frames.real.reshape(-1, 2), frames.imag.reshape(-1, 2)], axis=1).reshape(-1)
    assert np.abs(true).max() > 2 * 32768
    assert np.array_equal(over, np.clip(np.rint(true), -32768, 32767))


def test_twelve_bits_stay_twelve_bits(subject):
    values, _ = stream(Echoes(replace(SMALL, adc_bits=12), [subject]), AdcSettings(fill=3.0))
    assert values.min() == -2048
    assert values.max() == 2047


def test_the_stream_does_not_depend_on_how_it_is_cut(subject, monkeypatch):
    echoes, settings = Echoes(SMALL, [subject], ROOM), AdcSettings(phase_noise_rad=0.01)
    whole, _ = stream(echoes, settings)
    monkeypatch.setattr("radarode.simulate.digitise._BLOCK_BYTES", 8 * 7 * 3 * 2 * 32)
    pieces, _ = stream(echoes, settings)
    assert np.abs(whole.astype(int) - pieces).max() <= 1  # rounding of sums in another order
    assert (whole != pieces).mean() < 1e-2


@pytest.mark.parametrize(
    ("bad", "name"),
    [({"snr_db": float("nan")}, "snr_db"), ({"phase_noise_rad": -1.0}, "phase_noise_rad"), ({"fill": 0.0}, "fill")],
)
def test_bad_settings_are_refused(bad, name):
    with pytest.raises(ValueError, match=name):
        AdcSettings(**bad)
