"""Ctrl-C in the middle of a training."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


def stop_after(steps: int) -> Callable[[dict[str, Any]], None]:
    """Return a watcher that interrupts this process after so many steps."""
    seen = 0

    def watch(record: dict[str, Any]) -> None:
        nonlocal seen
        seen += record["kind"] == "step"
        if seen == steps and record["kind"] == "step":
            os.kill(os.getpid(), signal.SIGINT)

    return watch
