from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.presets import BOARDS
from radarode.radar.readers.consistency import best_alternative, check_consistency, consistency
from radarode.radar.readers.lanes import encode_lanes

MakeCube = Callable[..., np.ndarray]


def fetcher(values: np.ndarray) -> Callable[[int, int], np.ndarray]:
    return lambda first, count: values[first : first + count]


def test_the_true_layout_scores_best_and_passes(layouts: list[FmcwRadar], make_cube: MakeCube):
    for radar in layouts:
        values = encode_lanes(make_cube(radar, 40), radar)
        own = consistency(fetcher(values), values.size, radar)
        assert own > 0.3, radar
        other = best_alternative(fetcher(values), values.size, radar)
        assert other is not None
        assert check_consistency(fetcher(values), values.size, radar, "a.bin") == ()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"q_first": True}, "2-lane complex with 64 samples"),
        ({"lanes": 4}, "2-lane complex with 64 samples"),
        ({"samples": 96}, "2-lane complex with 64 samples"),
        ({"samples": 100, "adc_rate_hz": 4e6}, "2-lane complex with 64 samples"),
    ],
)
def test_a_wrong_description_is_refused_with_the_right_hint(
    small: FmcwRadar, make_cube: MakeCube, wrong: dict, hint: str
):
    values = encode_lanes(make_cube(small, 40), small)
    with pytest.raises(InputError, match=r"a.bin does not fit the description") as caught:
        check_consistency(fetcher(values), values.size, replace(small, **wrong), "a.bin")
    assert f"it looks like {hint} (fit 0." in str(caught.value)


@pytest.mark.parametrize("true", [{"q_first": True}, {"lanes": 4}])
def test_other_true_orders_are_named(small: FmcwRadar, make_cube: MakeCube, true: dict):
    radar = replace(small, **true)
    values = encode_lanes(make_cube(radar, 40), radar)
    with pytest.raises(InputError, match=r"looks like .*64 samples") as caught:
        check_consistency(fetcher(values), values.size, small, "a.bin")
    assert ("Q before I" in str(caught.value)) == radar.q_first
    assert f"looks like {radar.lanes}-lane" in str(caught.value)


def test_noise_and_silence_give_no_verdict(small: FmcwRadar, rng: np.random.Generator):
    noise = rng.integers(-50, 50, 40 * 4 * 4 * 64 * 2).astype("<i2")
    assert check_consistency(fetcher(noise), noise.size, small, "a.bin") == ()
    silence = np.zeros_like(noise)
    assert consistency(fetcher(silence), silence.size, small) == 0.0
    assert check_consistency(fetcher(silence), silence.size, small, "a.bin") == ()


def test_one_frame_gives_no_verdict(small: FmcwRadar, make_cube: MakeCube):
    values = encode_lanes(make_cube(small, 1), small)
    assert consistency(fetcher(values), values.size, small) == 0.0


def test_a_real_capture(real_data: Path):
    tx, rx = BOARDS["iwr6843"]
    radar = FmcwRadar("d", 60.36e9, 60e12, 100, 4e6, 0.05, 50e-6, tx_m=tx[:1], rx_m=rx, tx_order=(0, 0))
    values = np.fromfile(real_data / "iwr6843_dca1000_coderookie" / "demo.bin", dtype="<i2")
    own = consistency(fetcher(values), values.size, radar)
    assert own > 0.5
    assert check_consistency(fetcher(values), values.size, radar, "demo.bin") == ()
    for wrong in ({"lanes": 4}, {"samples": 128}):
        other = replace(radar, **wrong)
        assert consistency(fetcher(values), values.size, other) < own / 5
        with pytest.raises(InputError, match="looks like 2-lane complex with 100 samples"):
            check_consistency(fetcher(values), values.size, other, "demo.bin")
    warned = check_consistency(fetcher(values), values.size, replace(radar, samples=200, adc_rate_hz=8e6), "demo.bin")
    assert len(warned) == 1
    assert "looks like 2-lane complex with 100 samples" in warned[0]
