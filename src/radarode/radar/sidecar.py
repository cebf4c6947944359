"""`capture.json` beside a raw capture: facts that the raw file cannot hold, above all that it is simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radarode.core.files import atomic_path

NAME = "capture.json"
FORMAT = "radarode-capture"
_MOST_BYTES = 2**20


def write_sidecar(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the facts about the captures in a folder; `simulated` is one of them.

    Args:
        folder: where the captures stand.
        facts: plain values.
    """
    with atomic_path(folder / NAME) as target:
        text = json.dumps({"format": FORMAT, "version": 1, **facts}, indent=2, ensure_ascii=False)
        target.write_text(text + "\n", encoding="utf-8")


def read_sidecar(capture: Path) -> dict[str, Any]:
    """Return the facts beside a capture; empty where there are none, or where the file is another program's."""
    path = capture.parent / NAME
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) and facts.get("format") == FORMAT else {}


def marked_simulated(capture: Path, radar_name: str) -> bool:
    """Tell whether a capture is simulated: the file beside it says so, or the name of its radar does.

    Example:
        >>> marked_simulated(Path("nowhere.bin"), "simulated awr1843"), marked_simulated(Path("nowhere.bin"), "awr1843")
        (True, False)
    """
    return read_sidecar(capture).get("simulated") is True or "simulated" in radar_name.lower()
