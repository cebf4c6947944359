"""One look for every figure: palette, axes, and saving as PNG or as SVG that follows the page's colours."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from radarode.core.files import atomic_path

INK, MUTED, RULE = "#1f2329", "#667081", "#dfe3e9"
RECONSTRUCTED, REFERENCE, R_MARK = "#0a66c4", "#4a515d", "#c0255d"
DEPLOYABLE, CALIBRATED, ORACLE = "#b6560b", "#0a66c3", "#7d8593"
GAP = "#f0e2c2"

COLUMN_STYLE: Mapping[str, tuple[str, str]] = {
    "deployable": (DEPLOYABLE, "-"),
    "calibrated": (CALIBRATED, "-"),
    "oracle": (ORACLE, "--"),
}

CSS_NAMES: Mapping[str, str] = {
    INK: "ink", MUTED: "muted", RULE: "rule", RECONSTRUCTED: "reconstructed", REFERENCE: "reference",
    R_MARK: "r-mark", DEPLOYABLE: "deployable", CALIBRATED: "calibrated", ORACLE: "oracle", GAP: "gap",
}  # fmt: skip
"""CSS variable of each colour; the page gives it a light and a dark value."""

_DPI = 160


def new_figure(width_in: float, height_in: float) -> Figure:
    """Return an empty figure with a constrained layout, outside matplotlib's global state."""
    return Figure(figsize=(width_in, height_in), layout="constrained")


def tidy(ax: Axes, title: str = "", x: str = "", y: str = "") -> Axes:
    """Give axes the common look: light rules, no box, small labels, title on the left."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(RULE)
    ax.tick_params(colors=MUTED, labelsize=9, length=3, color=RULE)
    ax.grid(True, color=RULE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_title(title, loc="left", fontsize=11, color=INK)
    ax.set_xlabel(x, fontsize=9.5, color=MUTED)
    ax.set_ylabel(y, fontsize=9.5, color=MUTED)
    return ax


def legend(ax: Axes, **options: object) -> None:
    """Add a frameless legend in the common text colour."""
    box = ax.legend(frameon=False, fontsize=9, labelcolor=INK, handlelength=1.6, **options)  # type: ignore[arg-type]
    box.set_zorder(5)


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG on white, atomically; every text is taken literally (a name may hold `$`)."""
    _literal(figure)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DPI, facecolor="white")


def svg(figure: Figure, name: str) -> str:
    """Return a figure as inline SVG for the page.

    Colours become CSS variables, so that the figure follows light and dark mode; text stays text, literally;
    namespaces, document type and metadata, which hold addresses, are left out, as HTML does not need them.

    Args:
        figure: the figure.
        name: unique on the page; element ids are derived from it.

    Returns:
        One `<svg>` element that fills the width it is given.
    """
    _literal(figure)
    buffer = io.StringIO()
    # the only way to set these two; restored at once
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(<svg[^>]*?)\swidth="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?)\sheight="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'(url\(|href=")#(\w+)', rf"\1#{name}-\2", text)
    for colour, css in CSS_NAMES.items():
        text = text.replace(colour, f"var(--{css})")
    return text.strip()


def _literal(figure: Figure) -> None:
    """Switch mathtext off: a `$` in a name is no formula, and a broken formula stops the drawing."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # type: ignore[attr-defined]
