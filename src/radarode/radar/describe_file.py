"""Descriptions of radars from outside: a preset's name, a TOML file or a TI `.cfg`; and back to TOML."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from radarode.core.config import from_plain, suggestion, to_plain
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.radar.description import CwRadar, FmcwRadar, PulsedRadar, Radar
from radarode.radar.presets import BOARDS, PRESETS
from radarode.radar.sidecar import read_sidecar
from radarode.radar.ti_cfg import parse_cfg

KINDS: dict[str, type[FmcwRadar] | type[CwRadar] | type[PulsedRadar]] = {
    "fmcw": FmcwRadar,
    "cw": CwRadar,
    "pulsed": PulsedRadar,
}
_MOST_BYTES = 2**20


def read_radar(source: str | Path) -> Radar:
    """Return the radar that `source` names.

    Args:
        source: a preset's name; a TOML file with `kind` and the fields of that class, where `board` (a preset's name),
            with `tx` and `rx` (numbers on it, from 0), may stand for `tx_m` and `rx_m`, and `ramp_s` for
            `chirp_period_s`; or a `.cfg` file.

    Raises:
        FileNotFoundError: neither a preset nor a file.
        InputError: malformed, an unknown key, or values that contradict each other.

    Example:
        >>> read_radar("cw24").frame_rate_hz
        2000.0
    """
    if str(source) in PRESETS:
        return PRESETS[str(source)]
    path = Path(source)
    if not path.is_file():
        if path.suffix or path.exists():
            raise FileNotFoundError(f"there is no file {path}.")
        raise InputError(
            f"`radar` must be a preset or a file (.toml, .cfg); got {source}. {suggestion(str(source), PRESETS)}"
        )
    with path.open("rb") as file:
        head = file.read(_MOST_BYTES + 1)
    if len(head) > _MOST_BYTES:
        raise InputError(f"{path} is longer than 1 MiB: it is no description of a radar.")
    text = head.decode("utf-8", errors="replace")
    try:
        return parse_cfg(text, path.name) if path.suffix.lower() == ".cfg" else _from_toml(text)
    except InputError as error:
        if path.name in str(error):
            raise
        raise InputError(f"{path.name}: {error}") from error


def radar_of(capture: Path, named: str | Path | None) -> Radar | None:
    """Return the radar that a person named, else the one that `capture.json` beside a capture names, else None.

    Args:
        capture: the file.
        named: as for `read_radar`.

    Raises:
        FileNotFoundError, InputError: as `read_radar`.
    """
    if named is not None:
        return read_radar(named)
    beside = read_sidecar(capture).get("radar")
    if not isinstance(beside, str) or Path(beside).name != beside or not (capture.parent / beside).is_file():
        return None
    return read_radar(capture.parent / beside)


def save_radar(path: Path | str, radar: Radar) -> None:
    """Write a description as TOML, which `read_radar` reads back equal."""
    lines = [f"kind = {json.dumps(radar.kind)}"]
    lines += [f"{name} = {_toml(value)}" for name, value in to_plain(radar).items() if name != "kind"]
    with atomic_path(Path(path)) as target:
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _from_toml(text: str) -> Radar:
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"not a TOML file ({error}).") from error
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError.of("kind", f"one of {', '.join(KINDS)}", repr(kind))
    chosen = KINDS[kind]
    if chosen is FmcwRadar:
        values = _times(_antennas(values))
    missing = [name for name in _required(chosen) if name not in values]
    if missing:
        raise InputError(f"`{missing[0]}` is missing from the description of a radar of kind {kind}.")
    return from_plain(chosen, values)


def _antennas(values: dict[str, Any]) -> dict[str, Any]:
    """Replace `board`, `tx` and `rx` by positions."""
    board, tx, rx = values.pop("board", None), values.pop("tx", None), values.pop("rx", None)
    if board is None:
        if tx is not None or rx is not None:
            raise InputError("`tx` and `rx` number the antennas of a `board`; name one, or give `tx_m` and `rx_m`.")
        return values
    if not isinstance(board, str) or board not in BOARDS:
        raise InputError.of("board", f"one of {', '.join(BOARDS)}", repr(board))
    if "tx_m" in values or "rx_m" in values:
        raise InputError("`board` and `tx_m`, `rx_m` say the same thing twice. Leave one out.")
    chosen = [
        _choose(places, numbers, name)
        for places, numbers, name in zip(BOARDS[board], (tx, rx), ("tx", "rx"), strict=True)
    ]
    return {**values, "tx_m": chosen[0], "rx_m": chosen[1]}


def _choose(places: tuple[Any, ...], numbers: Any, name: str) -> tuple[Any, ...]:
    if numbers is None:
        return places
    if not isinstance(numbers, list) or any(type(k) is not int or not 0 <= k < len(places) for k in numbers):
        raise InputError.of(name, f"a list of numbers from 0 to {len(places) - 1}", repr(numbers))
    return tuple(places[k] for k in numbers)


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """Replace `ramp_s` by `chirp_period_s`."""
    if "ramp_s" not in values:
        return values
    ramp, idle = values.pop("ramp_s"), values.get("idle_s", 0.0)
    if "chirp_period_s" in values:
        raise InputError("`ramp_s` and `chirp_period_s` say the same thing twice. Leave one out.")
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (ramp, idle)):
        raise InputError.of("ramp_s and idle_s", "numbers, in seconds", f"{ramp!r} and {idle!r}")
    return {**values, "chirp_period_s": float(ramp + idle)}


def _required(kind: type) -> list[str]:
    from dataclasses import MISSING, fields

    return [field.name for field in fields(kind) if field.init and field.default is MISSING]


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else repr(value)
