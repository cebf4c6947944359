"""Mu-law classes: there and back, published end points, monotone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.mu_law import mu_law_decode, mu_law_encode, mu_law_values


def test_decoding_gives_back_the_amplitude_to_half_a_class() -> None:
    x = np.linspace(-1.0, 1.0, 4001)
    error = np.abs(mu_law_decode(mu_law_encode(x)) - x)
    # dx/dy = ln(256) (1 + 255 |x|) / 255, and half a class is 1/255 in y.
    half = math.log(256) * (1 + 255 * np.abs(x)) / 255 / 255
    assert (error <= 1.02 * half + 1e-7).all()
    assert error.max() < 0.023
    assert error[np.abs(x) < 0.01].max() < 4e-4


def test_encoding_gives_back_every_class() -> None:
    np.testing.assert_array_equal(mu_law_encode(mu_law_values()), np.arange(256))


def test_values_rise_and_are_odd() -> None:
    values = mu_law_values()
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(values, -values[::-1], atol=1e-7)
    assert (values[0], values[-1]) == (-1.0, 1.0)


def test_what_lies_beyond_is_clipped() -> None:
    assert mu_law_encode([-7.0, 7.0]).tolist() == [0, 255]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: mu_law_encode([np.nan]), "`x`"),
        (lambda: mu_law_encode([0.0], mu=0), "`mu`"),
        (lambda: mu_law_decode([256]), "`classes`"),
        (lambda: mu_law_decode([-1]), "`classes`"),
    ],
)
def test_refuses(call: object, name: str) -> None:
    with pytest.raises(InputError, match=name):
        call()  # type: ignore[operator]
