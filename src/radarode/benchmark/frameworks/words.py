"""What stands around the tables of the frameworks, whatever a benchmark asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrameworkWords:
    """Hold what stands around the tables.

    Attributes:
        described: the recordings, for titles.
        simulated: whether they are.
        titles: framework -> its name, of those that have results.
        notes: sentences under every table.
    """

    described: str
    simulated: bool
    titles: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def data(self) -> str:
        """What the figures are of, for the CSV."""
        return "simulated" if self.simulated else "given"
