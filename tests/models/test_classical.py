"""The buffers of the classical baseline and its configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.models.classical import KIND, ClassicalConfig
from radarode.models.networks import build_network, preset_of
from radarode.models.pretrained import load_model, save_model
from radarode.signal.motion_energy import PATTERN_FRAMES, EnergyPrior


def test_presets_are_one_and_the_same() -> None:
    assert {preset_of("classical", name) for name in ("paper", "small", "tiny")} == {ClassicalConfig()}
    assert preset_of("classical", "small", {"energy": {"smooth_s": 0.03}}).energy.smooth_s == 0.03
    with pytest.raises(InputError, match="smooth_ms"):
        preset_of("classical", "small", {"energy": {"smooth_ms": 30}})


def test_config_survives_plain_values() -> None:
    config = KIND.config.from_dict({"energy": {"band_hz": [4.0, 30.0]}})
    assert KIND.config.from_dict(config.to_dict()) == config


def test_measured_values_are_saved_and_loaded(tmp_path: Path, rng: np.random.Generator) -> None:
    prior = EnergyPrior.of(rng.normal(size=(9, PATTERN_FRAMES)))
    model = build_network("classical", ClassicalConfig(), 1).measured(prior, np.linspace(0, 1, 200), 0.012)
    assert not list(model.parameters())
    save_model(tmp_path / "weights", model, {"framework": "classical"})
    loaded = load_model(tmp_path / "weights").model
    assert float(loaded.delay_s) == 0.012
    np.testing.assert_array_equal(loaded.cycle.numpy(), np.linspace(0, 1, 200))
    np.testing.assert_array_equal(loaded.prior.mean, prior.mean)
    np.testing.assert_array_equal(loaded.prior.precision, prior.precision)


def test_the_packaged_averages_are_plausible() -> None:
    model = load_model("classical").model
    assert model.cycle.min() == 0.0
    assert model.cycle.argmax() == 86
    assert abs(float(model.delay_s)) < 0.03
    eigenvalues = np.linalg.eigvalsh(model.pattern_precision.numpy())
    assert eigenvalues.min() > 0
