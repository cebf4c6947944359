"""What is added to the recordings: nothing, constant noise, or bursts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from radarode.benchmark.frameworks.settings import FrameworksSettings, check_seeds
from radarode.core.config import suggestion
from radarode.core.errors import InputError
from radarode.data.noise import CONSTANT_LEVELS_DB, EXTENSIVE_DB, MILD_DB, SHARE, Noise

Kind = Literal["constant", "abrupt"]
Domain = Literal["signal", "spectrogram"]

KINDS: tuple[Kind, ...] = ("constant", "abrupt")
DOMAINS: tuple[Domain, ...] = ("signal", "spectrogram")
CLEAN = "clean"


@dataclass(frozen=True)
class NoiseSettings(FrameworksSettings):
    """Hold what the benchmark of noise depends on.

    Attributes:
        kinds: of noise, each a table.
        domain: noise on the motion ("signal") or on the spectrogram, as in the published code.
        noise_seeds: every condition is drawn once per seed.
        constant_db: levels of the constant noise.
        abrupt_s: lengths of the bursts.
        abrupt_db: levels of the bursts, the mild one first.
        share: share of the windows that get a burst.
    """

    kinds: tuple[Kind, ...] = KINDS
    domain: Domain = "signal"
    noise_seeds: tuple[int, ...] = (1, 2)
    constant_db: tuple[float, ...] = CONSTANT_LEVELS_DB
    abrupt_s: tuple[float, ...] = (1.0, 2.0, 3.0)
    abrupt_db: tuple[float, ...] = (MILD_DB, EXTENSIVE_DB)
    share: float = SHARE

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seeds("noise_seeds", self.noise_seeds)
        check_kinds(self.kinds)
        if self.domain not in DOMAINS:
            raise InputError(f"unknown domain `{self.domain}`. {suggestion(self.domain, DOMAINS)}")
        for name in ("constant_db", "abrupt_s", "abrupt_db"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise InputError.of(name, "one or more different numbers", list(values))
        for condition in self.conditions():
            condition.noise(self.domain, self.share)

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions of the chosen kinds, the clean one first."""
        found = [Condition(CLEAN)]
        if "constant" in self.kinds:
            found += [Condition("constant", level) for level in self.constant_db]
        if "abrupt" in self.kinds:
            found += [Condition("abrupt", level, length) for level in self.abrupt_db for length in self.abrupt_s]
        return tuple(found)

    def seeds_of_noise(self, condition: Condition) -> tuple[int, ...]:
        """Return the seeds that a condition is drawn with; where nothing is drawn, one that stands for all."""
        return (0,) if condition.kind == CLEAN else self.noise_seeds


@dataclass(frozen=True, slots=True)
class Condition:
    """Describe what is added.

    Attributes:
        kind: "clean", "constant" or "abrupt".
        snr_db: its level.
        seconds: length of a burst.
    """

    kind: str
    snr_db: float | None = field(default=None)
    seconds: float = 1.0

    @property
    def key(self) -> str:
        """Return a short name for folders and for the noise's seed, as `abrupt-3s--9dB`."""
        if self.kind == CLEAN:
            return CLEAN
        length = f"-{self.seconds:g}s" if self.kind == "abrupt" else ""
        return f"{self.kind}{length}-{self.snr_db:g}dB"

    @property
    def label(self) -> str:
        """Return the row's name, as published."""
        if self.kind == CLEAN:
            return "Baseline"
        return f"{self.seconds:g} sec" if self.kind == "abrupt" else f"{self.snr_db:g} dB"

    def noise(self, domain: Domain, share: float) -> Noise:
        """Return the noise as it is added."""
        kind = "abrupt" if self.kind == "abrupt" else "constant"
        return Noise(kind, self.snr_db, self.seconds, share, domain)


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise `InputError` for a kind of noise that there is not, with a suggestion."""
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"unknown kind of noise `{kind}`. {suggestion(kind, KINDS)}")
    if not kinds:
        raise InputError.of("kinds", f"one or more of {', '.join(KINDS)}", "none")
