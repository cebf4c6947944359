"""Turn Ctrl-C, SIGTERM and a closed terminal into a flag, so that training stops between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptFlag:
    """Tell whether the work was asked to stop."""

    def __init__(self) -> None:
        self.raised = False


@contextmanager
def interrupt_flag(*, patient: bool = False) -> Iterator[InterruptFlag]:
    """Catch the first SIGINT, SIGTERM or SIGHUP as a flag; a second one raises `KeyboardInterrupt` at once.

    A process that `torchrun` started may get one Ctrl-C twice, from the terminal and from `torchrun`; if `patient`, it
    only takes note. `torchrun` itself ends processes that take longer than half a minute.

    SIGHUP comes when the terminal is closed; where it is ignored, as under `nohup`, it stays so.

    Outside the main thread, where handlers cannot be set, the flag simply stays down.
    """
    flag = InterruptFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def raise_flag(number: int, frame: FrameType | None) -> None:
        if flag.raised and not patient:
            raise KeyboardInterrupt
        flag.raised = True

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, raise_flag) for number in numbers}
    try:
        yield flag
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
