"""The three tasks: encode a reference into a target, the loss, decode an output, side by side."""

from radarode.tasks.settings import TaskSettings

__all__ = ["TaskSettings"]
