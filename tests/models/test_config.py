from __future__ import annotations

import json

import pytest

from radarode.core.errors import InputError
from radarode.models.config import PRESETS, RadarOdeMtlConfig, preset


@pytest.mark.parametrize("name", PRESETS)
def test_goes_through_json_and_back(name: str) -> None:
    config = preset(name)
    assert RadarOdeMtlConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_overrides_replace_single_values() -> None:
    config = preset("small", decoder="temporal", widths=[8, 8, 16, 16])
    assert config.decoder == "temporal"
    assert config.widths == (8, 8, 16, 16)
    assert config.head_width == preset("small").head_width


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"width": [8]}, "did you mean `widths`"),
        ({"zzz": 1}, "known: channels"),
        ({"decoder": "both"}, "one of fused, temporal, ode"),
        ({"widths": [8, 8]}, "one entry per block"),
        ({"widths": "wide"}, "a list"),
        ({"widths": [0, 8, 8, 8]}, "between 1 and 16384"),
        ({"rows": "71"}, "of type int"),
        ({"rows": True}, "of type int"),
        ({"channels": None}, "stem_width"),
        ({"channels": 0}, "at least 1"),
        ({"head_width": 8}, "compact"),
        ({"attention_heads": 3}, "divisor"),
        ({"kernels": [[3, "x"], [3, 3], [3, 3], [3, 3]]}, "of type int"),
    ],
)
def test_bad_values_are_named(values: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        RadarOdeMtlConfig.from_dict(values)


def test_unknown_preset() -> None:
    with pytest.raises(InputError, match="paper, small, tiny"):
        preset("huge")
