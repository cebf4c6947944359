"""Radars by name.

Antenna geometry of the TI evaluation boards, as their user guides draw it: four receivers half a wavelength apart
in a row; transmitters 1 and 3 two wavelengths apart in azimuth on the same height; transmitter 2 between
them, one wavelength from each, and half a wavelength higher. So all three give 8 azimuth channels on one
height and 4 above their middle. The wavelength is that of 77 GHz (xWR14xx, xWR18xx) or 60 GHz (IWR6843), for which
the boards are drawn.

Convention: x to the right as seen from the radar, antennas numbered from left to right, the origin at the middle of the
receivers, the transmitters drawn around the same middle. On the board they stand some centimetres to the side, which
shifts all virtual channels by the same path to first order; the mirror sign of x should be checked once with a
reflector, and a TOML file can state measured positions.
"""

from __future__ import annotations

from types import MappingProxyType

from radarode.radar.description import SPEED_OF_LIGHT_M_S, CwRadar, FmcwRadar, Position, PulsedRadar, Radar

Antennas = tuple[tuple[Position, ...], tuple[Position, ...]]


def ti_antennas(design_hz: float) -> Antennas:
    """Return (transmitters, receivers) of a TI board drawn for `design_hz`, three and four positions in metres.

    Example:
        >>> tx, rx = ti_antennas(77e9)
        >>> round((tx[2][0] - tx[0][0]) / (rx[1][0] - rx[0][0]), 6)
        4.0
    """
    wavelength = SPEED_OF_LIGHT_M_S / design_hz
    tx = ((-wavelength, 0.0, 0.0), (0.0, wavelength / 2, 0.0), (wavelength, 0.0, 0.0))
    rx = tuple(((k - 1.5) * wavelength / 2, 0.0, 0.0) for k in range(4))
    return tx, rx


BOARDS = MappingProxyType(
    {"awr1843": ti_antennas(77e9), "iwr1443": ti_antennas(77e9), "iwr6843": ti_antennas(60e9)},
)
"""Transmitters and receivers of each board, by preset name."""


def _board(name: str, start_hz: float, slope_hz_per_s: float) -> FmcwRadar:
    """Return a board as MMECG sets its AWR1843: 256 samples at 5 MHz, 3 x 4 antennas in turn, 200 frames/s.

    The chirp's idle time, the start of sampling and the order of transmitters are not published; they are set to what
    the boards' tools propose.
    """
    tx, rx = BOARDS[name]
    return FmcwRadar(
        name=name,
        start_hz=start_hz,
        slope_hz_per_s=slope_hz_per_s,
        samples=256,
        adc_rate_hz=5e6,
        frame_period_s=0.005,
        chirp_period_s=67e-6,
        tx_m=tx,
        rx_m=rx,
        tx_order=(0, 1, 2),
        adc_start_s=6e-6,
        idle_s=7e-6,
        lanes=4 if name == "iwr1443" else 2,
    )


PRESETS: MappingProxyType[str, Radar] = MappingProxyType(
    {
        "awr1843": _board("awr1843", 77e9, 65e12),
        "iwr6843": _board("iwr6843", 60e9, 60e12),
        "iwr1443": _board("iwr1443", 77e9, 65e12),
        "cw24": CwRadar(name="cw24", carrier_hz=24.17e9, fs_hz=2000.0),
        "a121": PulsedRadar("a121", 60.5e9, 200.0, start_m=0.3, step_m=0.0025, points=160),
    }
)
