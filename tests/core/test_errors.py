from __future__ import annotations

import pytest

from radarode.core.errors import InputError, WorkInterruptedError


def test_message_names_rule_value_and_fix_in_one_line():
    error = InputError.of("fs_hz", "positive", -3, "Give Hz.")
    assert str(error) == "`fs_hz` must be positive; got -3. Give Hz."


def test_message_without_fix_ends_after_the_value():
    assert str(InputError.of("x", "finite", "NaN")) == "`x` must be finite; got NaN."


def test_input_error_is_a_value_error_and_an_interruption_is_not():
    assert issubclass(InputError, ValueError)
    assert not issubclass(WorkInterruptedError, ValueError)
    with pytest.raises(ValueError, match="positive"):
        raise InputError.of("x", "positive", 0)
