from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.description import CwRadar, FmcwRadar, PulsedRadar, derived_values
from radarode.radar.presets import PRESETS


def test_derived_values_of_the_mmecg_radar():
    radar = PRESETS["awr1843"]
    assert isinstance(radar, FmcwRadar)
    assert radar.bandwidth_hz == pytest.approx(65e12 * 256 / 5e6)
    assert radar.range_resolution_m == pytest.approx(0.04504, abs=1e-5)
    assert radar.max_range_m == pytest.approx(256 * radar.range_resolution_m)
    centre_hz = 77e9 + 65e12 * (6e-6 + 25.6e-6)
    assert radar.wavelength_m == pytest.approx(299_792_458 / centre_hz)
    assert (radar.n_tx, radar.n_rx, radar.n_virtual, radar.n_chirps) == (3, 4, 12, 3)
    assert radar.frame_shape == (3, 4, 256)
    assert radar.max_velocity_m_s == pytest.approx(radar.wavelength_m / 4 / 0.005), (
        "each transmitter sends once a frame"
    )
    assert radar.velocity_resolution_m_s == pytest.approx(radar.wavelength_m / 2 / (3 * 67e-6))


def test_real_samples_reach_half_as_far(small: FmcwRadar):
    assert replace(small, iq=False).max_range_m == pytest.approx(small.max_range_m / 2)


def test_repeated_chirps_set_the_velocity_limit(small: FmcwRadar):
    assert small.repeat_s == pytest.approx(2 * 60e-6)
    assert replace(small, tx_order=(0, 0, 1, 1)).repeat_s == pytest.approx(60e-6)
    assert replace(small, tx_order=(0, 1, 0)).repeat_s == small.frame_period_s, "transmitter 1 sends once"


def test_virtual_array_is_transmitter_by_transmitter(small: FmcwRadar):
    virtual = small.virtual_m
    assert virtual.shape == (8, 3)
    for v in range(8):
        np.testing.assert_allclose(virtual[v], np.add(small.tx_m[v // 4], small.rx_m[v % 4]))


def test_ti_boards_give_eight_even_azimuth_channels_and_four_raised():
    radar = PRESETS["awr1843"]
    assert isinstance(radar, FmcwRadar)
    half = 299_792_458 / 77e9 / 2
    low = radar.virtual_m[radar.virtual_m[:, 1] == 0]
    raised = radar.virtual_m[radar.virtual_m[:, 1] > 0]
    np.testing.assert_allclose(np.diff(np.sort(low[:, 0])), half, rtol=1e-9)
    np.testing.assert_allclose(raised[:, 1], half)
    assert (len(low), len(raised)) == (8, 4)
    assert radar.virtual_m[:, 0].mean() == pytest.approx(0)


def test_all_presets_have_plausible_values():
    for radar in PRESETS.values():
        facts = derived_values(radar)
        assert 0.003 < facts["wavelength_m"] < 0.013
        assert facts["frame_rate_hz"] >= 200 - 1e-6


def test_ranges_of_a_pulsed_radar():
    radar = PulsedRadar("p", 60.5e9, 20.0, start_m=0.3, step_m=0.06, points=21, sweeps=16)
    assert derived_values(radar)["last_range_m"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 256}, "do not fit into the ramp"),
        ({"adc_start_s": 30e-6}, "do not fit into the ramp"),
        ({"idle_s": 40e-6}, "do not fit into the ramp"),
        ({"frame_period_s": 0.0002}, "do not fit into the frame"),
        ({"tx_order": (0, 1, 2)}, "`tx_order` must be numbers from 0 to 1"),
        ({"tx_order": (0, 0)}, "never sends"),
        ({"tx_order": ()}, "`tx_order`"),
        ({"tx_m": ()}, "`tx_m`"),
        ({"rx_m": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))}, "different positions"),
        ({"rx_m": ((0.0, float("nan"), 0.0),)}, "within 10 m"),
        ({"start_hz": 77.0}, "77 GHz is 77e9"),
        ({"slope_hz_per_s": 65.0}, "65 MHz/us is 65e12"),
        ({"slope_hz_per_s": float("nan")}, "`slope_hz_per_s`"),
        ({"samples": 63}, "even"),
        ({"lanes": 3}, "`lanes` must be 2 or 4"),
        ({"rx_lanes": (0, 1, 2, 3)}, "`rx_lanes`"),
        ({"lanes": 4, "rx_lanes": (0, 1, 2, 2)}, "`rx_lanes`"),
        ({"adc_bits": 40}, "`adc_bits`"),
        ({"name": "a\nb"}, "`name`"),
    ],
)
def test_values_that_contradict_each_other(small: FmcwRadar, changes: dict, message: str):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        replace(small, **changes)


def test_a_frame_too_large_for_memory(small: FmcwRadar):
    with pytest.raises(InputError, match="256 MiB"):
        replace(small, tx_order=(0, 1) * 100_000, frame_period_s=90.0)


@pytest.mark.parametrize("values", [{"carrier_hz": -1.0}, {"fs_hz": 0.0}, {"fs_hz": float("inf")}])
def test_bad_continuous_wave_values(values: dict):
    with pytest.raises(InputError, match=next(iter(values))):
        CwRadar(**{"name": "cw", "carrier_hz": 24e9, "fs_hz": 2000.0, **values})


@pytest.mark.parametrize("values", [{"points": 0}, {"step_m": 0.0}, {"frame_rate_hz": float("nan")}, {"sweeps": 0}])
def test_bad_pulsed_values(values: dict):
    good = {"name": "p", "carrier_hz": 60e9, "frame_rate_hz": 20.0, "start_m": 0.3, "step_m": 0.1, "points": 3}
    with pytest.raises(InputError, match=next(iter(values))):
        PulsedRadar(**{**good, **values})
