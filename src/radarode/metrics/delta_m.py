"""Compute the mean relative improvement over a baseline, Δm."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

RADAR_TASKS: Mapping[str, tuple[str, ...]] = {
    "shape": ("rmse_mv", "pcc"),
    "length": ("ppi_error_ms",),
    "anchor": ("r_timing_ms", "mdr"),
}
"""The three tasks of radarODE-MTL and the metrics of each, as in Table II of arXiv 2410.08656."""

LOWER_IS_BETTER: Set[str] = frozenset(
    {"rmse_mv", "rmse_longterm_mv", "ppi_error_ms", "r_timing_ms", "mdr", "hr_error_bpm"}
    | {"q_error_ms", "s_error_ms", "t_error_ms"}
)
"""Names of the metrics in which less is better."""

Metrics = Mapping[str, float]


def relative_improvement(new: Metrics, base: Metrics, lower_is_better: Set[str] = LOWER_IS_BETTER) -> Metrics:
    """Compute (-1)^σ (new - base) / base for every metric of `base`, σ = 1 where less is better.

    A metric without a defined baseline (0 or NaN) has no relative improvement: NaN.
    """
    signed = {name: (base[name] - new[name] if name in lower_is_better else new[name] - base[name]) for name in base}
    return {name: float(value / base[name]) if base[name] else float("nan") for name, value in signed.items()}


def delta_m(
    new: Metrics,
    base: Metrics,
    tasks: Mapping[str, tuple[str, ...]] = RADAR_TASKS,
    lower_is_better: Set[str] = LOWER_IS_BETTER,
) -> float:
    """Compute Δm in percent: the mean over tasks of the mean over that task's metrics.

    This is the convention that reproduces Tables II and III (NYUv2) of the paper.

    Args:
        new: value of every metric for the method.
        base: the same for the baseline.
        tasks: the metrics of each task.
        lower_is_better: names of the metrics in which less is better.

    Returns:
        Percent; NaN where a metric of either side is undefined.

    Reference:
        Chen et al., arXiv 2410.08656, Δm%.

    Example:
        >>> delta_m({"a": 2.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}, {"x": ("a", "b"), "y": ("c",)})
        25.0
    """
    used = {name: base[name] for names in tasks.values() for name in names}
    gain = relative_improvement(new, used, lower_is_better)
    return 100.0 * float(np.mean([np.mean([gain[name] for name in names]) for names in tasks.values()]))


def delta_m_flat(new: Metrics, base: Metrics, lower_is_better: Set[str] = LOWER_IS_BETTER) -> float:
    """Compute Δm in percent as the plain mean over all metrics of `base`.

    The paper's tables of frameworks under constant and abrupt noise use this with RMSE, PCC, peak error and
    MDR.
    """
    return 100.0 * float(np.mean(list(relative_improvement(new, base, lower_is_better).values())))
