"""Which signals stop training in order."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from radarode.train.interrupt import interrupt_flag


@pytest.fixture(autouse=True)
def with_a_terminal() -> Iterator[None]:
    """Hear of a closed terminal, even where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_the_flag_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interrupt_flag() as flag:
        os.kill(os.getpid(), number)
        assert flag.raised
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_under_nohup_a_closed_terminal_stops_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt_flag() as flag:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not flag.raised
    finally:
        signal.signal(signal.SIGHUP, before)
