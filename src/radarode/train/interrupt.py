"""Turn Ctrl-C into a flag, so that training stops between two steps and not within one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class InterruptFlag:
    """Tell whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.raised = False


@contextmanager
def interrupt_flag() -> Iterator[InterruptFlag]:
    """Catch the first SIGINT or SIGTERM as a flag; a second one raises `KeyboardInterrupt` at once.

    Outside the main thread, where handlers cannot be set, the flag simply stays down.
    """
    flag = InterruptFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def raise_flag(number: int, frame: FrameType | None) -> None:
        if flag.raised:
            raise KeyboardInterrupt
        flag.raised = True

    previous = {number: signal.signal(number, raise_flag) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
