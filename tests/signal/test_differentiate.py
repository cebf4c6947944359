"""Differentiators: exactness, frequency response, ends, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.differentiate import first_derivative, second_derivative

T = np.arange(60) / 200


@pytest.mark.parametrize("coefficients", [[2.0], [3.0, -1.0], [5.0, 2.0, -1.0]])
def test_exact_on_parabolas_ends_included(coefficients):
    p = np.poly1d(coefficients)
    np.testing.assert_allclose(first_derivative(p(T), 200), p.deriv()(T), atol=1e-9)
    np.testing.assert_allclose(second_derivative(p(T), 200), p.deriv(2)(T) + 0 * T, atol=1e-7)


def test_second_derivative_is_exact_on_cubics_inside():
    p = np.poly1d([7.0, -3.0, 2.0, 1.0])
    np.testing.assert_allclose(second_derivative(p(T), 200)[3:-3], p.deriv(2)(T)[3:-3], atol=1e-7)


@pytest.mark.parametrize("freq_hz", [1.0, 10.0, 25.0, 60.0])
def test_frequency_response_follows_the_formula(freq_hz):
    w, h = 2 * np.pi * freq_hz / 200, 1 / 200
    x = np.exp(1j * (w * np.arange(60) + 0.7))
    first = (5 * np.sin(w) + 4 * np.sin(2 * w) + np.sin(3 * w)) / (16 * h)
    second = (np.cos(3 * w) + 2 * np.cos(2 * w) - np.cos(w) - 2) / (8 * h**2)
    got = first_derivative(x.imag, 200)[30], second_derivative(x.real, 200)[30]
    assert got[0] == pytest.approx(first * x.real[30], rel=1e-6)
    assert got[1] == pytest.approx(second * x.real[30], rel=1e-6)


def test_nyquist_is_removed_and_low_frequencies_are_kept():
    nyquist = (-1.0) ** np.arange(60)
    assert np.abs(first_derivative(nyquist, 200)[3:-3]).max() < 1e-9
    assert np.abs(second_derivative(nyquist, 200)[3:-3]).max() < 1e-7
    slow = np.sin(2 * np.pi * T)
    np.testing.assert_allclose(second_derivative(slow, 200)[3:-3], -39.48 * slow[3:-3], rtol=0.01, atol=1e-3)


def test_shape_type_and_gaps_are_kept():
    x = np.tile(T, (2, 3, 1)).astype(np.float32)
    assert second_derivative(x, 200).shape == x.shape
    assert first_derivative(x, 200).dtype == np.float32
    assert first_derivative(np.arange(20), 200).dtype == np.float64
    gap = T.copy()
    gap[30:33] = np.nan
    missing = np.flatnonzero(np.isnan(first_derivative(gap, 200)))
    assert missing.min() >= 27
    assert missing.max() <= 35
    assert set(range(30, 33)) <= set(missing)
    assert not np.isnan(gap[:30]).any()


@pytest.mark.parametrize("function", [first_derivative, second_derivative])
def test_bad_input_is_refused(function):
    with pytest.raises(InputError, match="7 samples"):
        function(np.zeros(6), 200)
    with pytest.raises(InputError, match="fs_hz"):
        function(np.zeros(60), 0)
    with pytest.raises(InputError, match="fs_hz"):
        function(np.zeros(60), float("nan"))
