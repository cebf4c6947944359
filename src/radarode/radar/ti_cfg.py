"""TI `.cfg` files: the commands that set up the mmWave SDK demos, one per line, `%` before a comment."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from radarode.core.errors import InputError
from radarode.radar.description import FmcwRadar
from radarode.radar.presets import BOARDS

_LEAST = {
    "channelCfg": 2,
    "adcCfg": 2,
    "profileCfg": 11,
    "chirpCfg": 8,
    "frameCfg": 5,
    "adcbufCfg": 4,
    "lvdsStreamCfg": 4,
}
"""Commands that are read, with their least number of arguments."""
_NEEDED = ("channelCfg", "adcCfg", "profileCfg", "chirpCfg", "frameCfg")
_ADC_BITS = {0: 12, 1: 14, 2: 16}
_LARGEST_INDEX = 511
"""The device knows chirps 0 to 511, and at most 255 loops."""


@dataclass(frozen=True)
class _Commands:
    """Hold the arguments of each command, in order of appearance."""

    lines: dict[str, list[list[float]]]
    what: str

    def last(self, name: str) -> list[float] | None:
        """Return the arguments of the last `name`, which is the one that counts."""
        return self.lines[name][-1] if name in self.lines else None

    def fail(self, text: str) -> InputError:
        """Return an error that names the file."""
        return InputError(f"{self.what}: {text}")


def parse_cfg(text: str, what: str, board: str | None = None) -> FmcwRadar:
    """Return the radar that a `.cfg` file sets up.

    Chirps of one profile, each with one transmitter, are read; `adcbufCfg` tells the order of the raw numbers ("sample
    swap" 1 puts Q before I, interleaved channels are those of the four-lane devices).

    Args:
        text: contents of the file.
        what: its name, for messages and as the name of the radar.
        board: antenna geometry by preset name; None takes that of the band (60 or 77 GHz).

    Raises:
        InputError: a command is missing, malformed, or sets up what is not read.
    """
    commands = _Commands(_lines(text, what), what)
    missing = [name for name in _NEEDED if name not in commands.lines]
    if missing:
        raise commands.fail(f"the command {missing[0]} is missing. Give the whole .cfg that started the radar")
    _check_stream(commands)
    profile, masks = _chirps(commands)
    channels = [int(value) for value in commands.last("channelCfg") or []]
    geometry = _board(commands, board, profile[1])
    senders = [_transmitter(commands, mask, channels[1]) for mask in masks]
    used, receivers = sorted(set(senders)), _bits(channels[0])
    tx_m, rx_m = BOARDS[geometry]
    if not receivers or receivers[-1] >= len(rx_m) or used[-1] >= len(tx_m):
        raise commands.fail(f"channelCfg or chirpCfg name antennas that a board {geometry} does not have")
    return FmcwRadar(
        name=what[:80],
        start_hz=profile[1] * 1e9,
        slope_hz_per_s=profile[7] * 1e12,
        samples=int(profile[9]),
        adc_rate_hz=profile[10] * 1e3,
        frame_period_s=(commands.last("frameCfg") or [])[4] * 1e-3,
        chirp_period_s=(profile[2] + profile[4]) * 1e-6,
        tx_m=tuple(tx_m[k] for k in used),
        rx_m=tuple(rx_m[k] for k in receivers),
        tx_order=tuple(used.index(tx) for tx in senders),
        adc_start_s=profile[3] * 1e-6,
        idle_s=profile[2] * 1e-6,
        **_order(commands, receivers),
    )


def _order(commands: _Commands, receivers: list[int]) -> dict[str, Any]:
    """Return the fields of a description that tell the order and bits of the raw numbers."""
    adc = commands.last("adcCfg") or []
    buffer = commands.last("adcbufCfg") or [0, 0, 1, 1]
    if adc[0] not in _ADC_BITS:
        raise commands.fail(f"adcCfg must state 0, 1 or 2 for 12, 14 or 16 bits; got {adc[0]:g}")
    lanes, iq = (4 if buffer[-2] == 0 else 2), adc[1] != 0
    order = {"iq": iq, "lanes": lanes, "q_first": iq and buffer[-3] == 1, "adc_bits": _ADC_BITS[int(adc[0])]}
    return {**order, "rx_lanes": tuple(receivers) if lanes == 4 else ()}


def _lines(text: str, what: str) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("%")[0].split()
        if words and words[0] in ("advFrameCfg", "subFrameCfg", "chirpComnCfg"):
            raise InputError(f"{what}: line {number} sets up frames of several kinds ({words[0]}), which are not read.")
        if not words or words[0] not in _LEAST:
            continue
        try:
            values = [float(word) for word in words[1:]]
        except ValueError as error:
            raise InputError(f"{what}: line {number}, {words[0]}, must hold numbers; it does not.") from error
        if len(values) < _LEAST[words[0]] or not all(math.isfinite(value) for value in values):
            raise InputError(f"{what}: line {number}, {words[0]}, needs {_LEAST[words[0]]} finite numbers.")
        found.setdefault(words[0], []).append(values)
    return found


def _check_stream(commands: _Commands) -> None:
    stream = commands.last("lvdsStreamCfg")
    if stream and stream[1] != 0:
        raise commands.fail("lvdsStreamCfg puts a header before each chirp, which is not read. Record without headers")
    if stream and stream[2] not in (0, 1):
        raise commands.fail("lvdsStreamCfg mixes other data with the samples, which is not read. Record samples only")


def _chirps(commands: _Commands) -> tuple[list[float], list[int]]:
    """Return the profile and the transmit mask of each chirp of a frame."""
    first, last, loops = (int(value) for value in (commands.last("frameCfg") or [])[:3])
    if not 0 <= first <= last <= _LARGEST_INDEX or not 1 <= loops <= 255:
        raise commands.fail(f"frameCfg names chirps {first} to {last} in {loops} loops")
    masks: list[int] = []
    profiles: set[int] = set()
    for index in range(first, last + 1):
        chirp = next(
            (values for values in reversed(commands.lines["chirpCfg"]) if values[0] <= index <= values[1]), None
        )
        if chirp is None:
            raise commands.fail(f"frameCfg names chirp {index}, which no chirpCfg sets up")
        if any(chirp[3:7]):
            raise commands.fail(f"chirpCfg varies frequency or times of chirp {index}, which is not read")
        masks.append(int(chirp[7]))
        profiles.add(int(chirp[2]))
    found = [values for values in commands.lines["profileCfg"] if int(values[0]) in profiles]
    if len(profiles) != 1 or not found:
        raise commands.fail("the chirps of a frame must use one profile, which profileCfg sets up")
    return found[-1], masks * loops


def _transmitter(commands: _Commands, mask: int, allowed: int) -> int:
    bits = _bits(mask)
    if len(bits) != 1:
        raise commands.fail(f"a chirp uses {len(bits)} transmitters; exactly one at a time is read")
    if not mask & allowed:
        raise commands.fail(f"a chirp uses transmitter {bits[0] + 1}, which channelCfg leaves off")
    return bits[0]


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(16) if mask >> bit & 1]


def _board(commands: _Commands, board: str | None, start_ghz: float) -> str:
    if board is None:
        return "iwr6843" if start_ghz < 70 else "awr1843"
    if board not in BOARDS:
        raise InputError.of("board", f"one of {', '.join(BOARDS)}", board)
    return board
