import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.differentiate import second_derivative
from radarode.simulate.cohort import person_of
from radarode.simulate.motion import LARGEST_CARDIAC_M
from radarode.simulate.scene import Placement, sample_surface, simulate_subject

TIMES_S = np.arange(2400) / 200


def subject(k=0, **placement):
    return simulate_subject(
        person_of(0, k), 12.0, "NB", Placement(**{"scatterers": 40, **placement}), np.random.default_rng(k)
    )


def test_amplitudes_are_those_of_people():
    hearts_mm, breaths_mm = [], []
    for k in range(12):
        motion = subject(k).motion
        cardiac_m = motion.cardiac_m(TIMES_S)
        hearts_mm.append(1e3 * np.ptp(cardiac_m, axis=1).max())
        breaths_mm.append(1e3 * np.median(np.ptp(motion.displacement_m(TIMES_S) - cardiac_m, axis=1)))
    assert min(hearts_mm) > 0.2
    assert max(hearts_mm) < 1.3e3 * LARGEST_CARDIAC_M
    assert 3 < min(breaths_mm) < max(breaths_mm) < 16


def test_any_time_can_be_asked_for():
    motion = subject().motion
    every = motion.displacement_m(TIMES_S)
    few = motion.displacement_m(TIMES_S[500:900:7])
    assert np.abs(few - every[:, 500:900:7]).max() < 1e-9


def test_the_motion_of_one_wave_is_the_wavelet():
    wave = subject().motion.waves[0]
    beat = 5
    out = np.zeros((40, 2400))
    wave.add_to(out, TIMES_S)
    near = np.abs(TIMES_S - wave.at_s[beat]) < 0.2
    u = TIMES_S[near] - wave.at_s[beat] - wave.delay_s[3]
    phase = wave.phase_rad[3] + wave.turn_rad[beat]
    want = (
        wave.gain[beat]
        * wave.amplitude_m[3]
        * np.cos(2 * np.pi * wave.freq_hz * u + phase)
        * np.exp(-((u / wave.width_s) ** 2))
    )
    assert np.abs(out[3, near] - want).max() < 1e-3 * wave.amplitude_m[3]


def test_neighbours_move_alike_and_the_heart_follows_r():
    made = subject(2)
    rcg = second_derivative(made.motion.cardiac_m(TIMES_S), 200.0)
    around = [np.abs(rcg[:, int(200 * (r + lag))]) for r in made.r_peaks_s[1:-2] for lag in (0.1, 0.12, 0.14)]
    assert np.mean(around) > np.abs(rcg).mean()
    away_m = np.linalg.norm(made.surface.local_m[:, None] - made.surface.local_m, axis=-1) + 1e3 * np.eye(40)
    nearest = away_m.argmin(axis=1)
    alike = [np.corrcoef(rcg[a], rcg[b])[0, 1] for a, b in enumerate(nearest)]
    assert np.median(alike) > 0.6


def test_breathing_in_moves_the_chest_towards_the_radar():
    motion = subject().motion
    moved = motion.displacement_m(TIMES_S)
    assert np.corrcoef(moved.mean(axis=0), motion.breath_m(TIMES_S))[0, 1] < -0.95


def test_the_truth_is_a_simulated_recording():
    made = subject()
    truth = made.truth({})
    assert truth.simulated
    assert truth.rcg.shape == (40, 2400)
    want = second_derivative(1e3 * made.motion.displacement_m(TIMES_S), 200.0)
    assert np.allclose(truth.rcg, want, atol=1e-3)
    assert truth.ecg_mv is not None
    assert truth.r_peaks_s is not None
    top = [truth.ecg_mv[int(200 * r) - 4 : int(200 * r) + 6].max() for r in truth.r_peaks_s[1:-1]]
    assert min(top) > 3 * np.abs(np.median(truth.ecg_mv))


@pytest.mark.parametrize("azimuth_deg", [0.0, 35.0, -60.0])
def test_a_chest_stands_where_it_is_put_and_faces_the_radar(azimuth_deg):
    surface = sample_surface(Placement(0.8, azimuth_deg, 200), np.random.default_rng(0))
    distance_m = np.linalg.norm(surface.places_m, axis=1)
    assert distance_m.min() == pytest.approx(0.8, abs=0.01)
    middle = surface.places_m.mean(axis=0)
    assert np.degrees(np.arctan2(middle[0], middle[2])) == pytest.approx(azimuth_deg, abs=1.5)
    assert np.allclose(np.linalg.norm(surface.inward, axis=1), 1)
    front = distance_m.argmin()
    assert surface.inward[front] @ surface.places_m[front] / distance_m[front] > 0.97
    assert (surface.reflectivity**2).sum() == pytest.approx(1)


def test_the_body_shifts_smoothly():
    still = subject(1).motion
    moved = subject(1, shifts_per_min=30.0).motion
    times_s = np.arange(0, 12, 0.001)
    extra_m = moved.displacement_m(times_s)[0] - still.displacement_m(times_s)[0]
    assert np.ptp(extra_m) > 0.003
    assert np.abs(np.diff(extra_m)).max() < 2e-4


@pytest.mark.parametrize(
    ("name", "value"), [("range_m", 0.01), ("azimuth_deg", 120.0), ("scatterers", 0), ("shifts_per_min", -1.0)]
)
def test_absurd_places_are_refused(name, value):
    with pytest.raises(InputError, match=name):
        Placement(**{name: value})


def test_absurd_lengths_are_refused():
    with pytest.raises(InputError, match="duration_s"):
        simulate_subject(person_of(0, 0), 0.5, "NB", Placement(), np.random.default_rng(0))
