"""One look for the frameworks in every figure, and the words that stand around figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from radarode.report import style

LOOK: Mapping[str, tuple[str, str]] = {
    "radarode-mtl": ("#0a66c4", "o"),
    "radarode": ("#b6560b", "s"),
    "mmecg": ("#2f8f5b", "^"),
    "classical": ("#8a4fb0", "D"),
}
"""Colour and marker of each framework."""


def save(figures: Mapping[str, Figure], folder: Path) -> list[str]:
    """Write figures as PNG; return the files' names."""
    for name, figure in figures.items():
        style.save_png(figure, folder / f"{name}.png")
    return [f"{name}.png" for name in figures]


def headline(figure: Figure, text: str, origin: str) -> None:
    """Write the title over a figure, with where the data come from.

    Args:
        figure: the figure.
        text: what it shows.
        origin: of the data, "simulated recordings" for one.
    """
    figure.suptitle(f"{text} ({origin})", fontsize=11, x=0.01, ha="left", color=style.INK)


def legend_below(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    """Put one legend under the figure, of everything that is labelled in its axes, each label once."""
    found = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        found |= {label: handle for handle, label in zip(handles, labels, strict=True) if label not in found}
    figure.legend(list(found.values()), list(found), loc="outside lower left", ncols=columns, frameon=False,
                  fontsize=9.5, labelcolor=style.INK)  # fmt: skip
