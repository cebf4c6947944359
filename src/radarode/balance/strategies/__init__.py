"""One multi-task strategy per file; the file name is the strategy's name.

| name | paper | needs |
|---|---|---|
| `equal` | the plain sum, baseline of every comparison | losses |
| `single` | one task alone, baseline of every comparison | losses |
| `uw` | uncertainty weights, Kendall et al., CVPR 2018 | losses |
| `gls` | geometric loss strategy, Chennupati et al., CVPR workshops 2019 | losses |
| `dwa` | dynamic weight average, Liu et al., CVPR 2019 | losses |
| `stch` | smooth Tchebycheff scalarisation, Lin et al., ICML 2024 | losses |
| `graddrop` | gradient sign dropout, Chen et al., NeurIPS 2020 | gradients |
| `gradvac` | gradient vaccine, Wang et al., ICLR 2021 | gram |
| `cagrad` | conflict-averse gradient descent, Liu et al., NeurIPS 2021 | gram |
| `imtl` | impartial multi-task learning, Liu et al., ICLR 2021 | gram |
| `moco` | multi-objective gradient correction, Fernando et al., ICLR 2023 | gradients |
| `aligned_mtl` | independent component alignment, Senushkin et al., CVPR 2023 | gram |
| `ega` | eccentric gradient alignment, radarODE-MTL, arXiv 2410.08656 | gram |

Whatever the gradients (zero, parallel, opposite, of very different size), finite input gives finite output. The
functions here check the options of strategies and keep the record of epoch losses that several of them need.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from torch import Tensor

from radarode.core.config import suggestion
from radarode.core.errors import InputError


def real(name: str, value: object, low: float, high: float = math.inf, *, open_low: bool = False) -> float:
    """Return an option that must be a finite number from `low` (or above it, if `open_low`) to `high`.

    Raises:
        InputError: it is not.

    Example:
        >>> real("mu", 0, 0, open_low=True)
        Traceback (most recent call last):
        radarode.core.errors.InputError: `mu` must be a number above 0; got 0.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high or (open_low and value == low):  # type: ignore[operator]
        rule = f"a number {'above' if open_low else 'from'} {low:g}" + (f" to {high:g}" if high < math.inf else "")
        raise InputError.of(name, rule if open_low or high < math.inf else f"{rule} up", repr(value))
    return float(value)  # type: ignore[arg-type]


def whole(name: str, value: object, low: int) -> int:
    """Return an option that must be a whole number from `low` up.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise InputError.of(name, f"a whole number from {low} up", repr(value))
    return value


def choice(name: str, value: object, known: Sequence[str]) -> str:
    """Return an option that must be one of a few words; the nearest one is suggested.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, str) or value not in known:
        raise InputError.of(name, f"one of {', '.join(known)}", repr(value), suggestion(str(value), known))
    return value


def carried(mean_losses: Iterable[float] | Tensor, previous: Sequence[float] | None) -> list[float]:
    """Return the epoch's mean losses, with the last known value where a task had none (NaN if it never had one).

    Example:
        >>> carried([float("nan"), 2.0], [5.0, 3.0])
        [5.0, 2.0]
    """
    values = [float(value) for value in mean_losses]
    return [old if math.isnan(new) else new for new, old in zip(values, previous or values, strict=True)]


def recorded(record: Sequence[float] | None, losses: Sequence[float]) -> list[float]:
    """Return the losses as a record, or the record there is, tasks that had no loss so far (NaN) now filled in."""
    return carried(record or losses, losses)


def refuse_negative(strategy: str, losses: Tensor) -> None:
    """Refuse losses below zero, for strategies that are defined by their logarithm.

    Raises:
        InputError: a loss is negative.
    """
    if (losses < 0).any():
        raise InputError.of(f"losses of {strategy}", "0 or above (it takes their logarithm)", losses.tolist())
