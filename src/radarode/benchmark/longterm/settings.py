"""The configuration of the benchmark of long-term recovery."""

from __future__ import annotations

from dataclasses import dataclass

from radarode.benchmark.frameworks.settings import FrameworksSettings
from radarode.core.errors import InputError
from radarode.data.noise import EXTENSIVE_DB, Noise

CONDITIONS: tuple[tuple[str, str, Noise], ...] = (
    ("clean", "clean", Noise("constant", None)),
    ("constant-0dB", "constant noise, 0 dB", Noise("constant", 0.0)),
    ("abrupt-3s--9dB", "bursts of 3 s, -9 dB", Noise("abrupt", EXTENSIVE_DB, 3.0)),
)
"""What the example is shown under, as in the publication: name, title, noise on the motion."""


@dataclass(frozen=True)
class LongtermSettings(FrameworksSettings):
    """Hold what the benchmark of long-term recovery depends on.

    Attributes:
        noise_seed: of the noise that the example is shown under.
        stretch_s: length of the stretch that is shown.
    """

    noise_seed: int = 1
    stretch_s: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise_seed < 0:
            raise InputError.of("noise_seed", "not negative", self.noise_seed)
        if not 4.0 <= self.stretch_s <= 60.0:
            raise InputError.of("stretch_s", "between 4 and 60 s", self.stretch_s)
