"""A plain log of DCA1000 packets: UDP payloads of 1466 bytes one after the other, nothing between them.

The last one may be shorter. Packets of other lengths need a pcap file, which stores lengths.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureOptions
from radarode.radar.description import Radar
from radarode.radar.readers.packets import DATA_BYTES, HEADER_BYTES, Packets, open_packets

NAME = "dca1000-packets"
LAYOUT = "a DCA1000 packet log: payloads of 1466 bytes (number, byte count, data) one after the other"
SUFFIXES = (".bin", ".log", ".packets")
PRIORITY = 20
PACKET_BYTES = HEADER_BYTES + DATA_BYTES
PACKET = np.dtype([("number", "<u4"), ("low", "<u4"), ("high", "<u2"), ("data", "u1", DATA_BYTES)])
"""One packet; its byte count is low + 2**32 high."""


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether number and byte count go together at the places where the first packets would stand."""
    found = [struct.unpack_from("<IIH", head, at) for at in range(0, len(head) - HEADER_BYTES, PACKET_BYTES)]
    fits = [0 < number == (low + (high << 32)) / DATA_BYTES + 1 for number, low, high in found]
    return sum(fits) >= min(2, len(found)) > 0


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open a plain log.

    Raises:
        InputError: see `packets.open_packets`.
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    whole, rest = divmod(data.size, PACKET_BYTES)
    if whole == 0:
        raise InputError(f"{path.name} holds {data.size} bytes, less than one packet of {PACKET_BYTES}. Record longer.")
    table = np.ndarray((whole,), dtype=PACKET, buffer=data)
    number = table["number"].astype(np.int64)
    count = table["low"].astype(np.int64) + (table["high"].astype(np.int64) << 32)
    offset = np.arange(whole, dtype=np.int64) * PACKET_BYTES + HEADER_BYTES
    length = np.full(whole, DATA_BYTES, dtype=np.int64)
    warnings: tuple[str, ...] = ()
    if rest > HEADER_BYTES:
        last, low, high = struct.unpack_from("<IIH", data[-rest:].tobytes())
        number, count = np.append(number, last), np.append(count, low + (high << 32))
        offset, length = np.append(offset, data.size - rest + HEADER_BYTES), np.append(length, rest - HEADER_BYTES)
    elif rest:
        warnings = (f"the last {rest} bytes are no packet and are left out",)
    return open_packets(path, Packets(number, count, offset, length), radar, options, (NAME, warnings))
