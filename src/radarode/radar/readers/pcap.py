"""DCA1000 packets in a pcap file, as tcpdump and Wireshark store them (classic pcap, not pcapng).

Little-endian files of Ethernet frames are read; of those, unfragmented IPv4 UDP datagrams to port 4098, the data port
of the DCA1000. Everything else in the file is passed over. Datagrams that the recorder cut short count as lost.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.capture_facts import CaptureOptions
from radarode.radar.description import Radar
from radarode.radar.readers.packets import HEADER_BYTES, Packets, open_packets

NAME = "dca1000-pcap"
LAYOUT = "a little-endian classic pcap file of Ethernet frames with UDP port 4098"
SUFFIXES = (".pcap", ".cap")
PRIORITY = 10
PORT = 4098
_LITTLE = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")
_OTHERS = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
_FILE_HEADER, _RECORD_HEADER, _ETHERNET = 24, 16, 1
_LONGEST_RECORD = 262_144
_ETHERNET_BYTES, _UDP_BYTES, _LEAST = 14, 8, 52
"""Headers of Ethernet, UDP, and the least datagram with a packet's header: 14 + 20 + 8 + 10 bytes."""
_AT_ONCE = 65_536


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file starts like a pcap or pcapng file."""
    return head[:4] in (*_LITTLE, *_OTHERS)


def open(path: Path, radar: Radar | None, options: CaptureOptions) -> Capture:
    """Open a pcap file.

    Raises:
        InputError: pcapng, big-endian or not Ethernet; damaged; see also `packets.open_packets`.
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    head = data[:_FILE_HEADER].tobytes()
    if head[:4] not in _LITTLE or len(head) < _FILE_HEADER:
        raise InputError(f"{path.name} must be {LAYOUT}; it is not. Convert it with `editcap -F pcap`.")
    if struct.unpack_from("<I", head, 20)[0] & 0xFFFF != _ETHERNET:
        raise InputError(f"{path.name} holds no Ethernet frames. Record the network card itself, not all interfaces.")
    offsets, lengths, warnings = _records(data, path.name)
    parts = [
        _datagrams(data, offsets[at : at + _AT_ONCE], lengths[at : at + _AT_ONCE])
        for at in range(0, len(offsets), _AT_ONCE)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [np.empty(0, np.int64)] * 4
    return open_packets(path, Packets(*columns), radar, options, (NAME, warnings))


def _records(data: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return where records start and how long they are; runs of equal length are walked at once."""
    offsets, lengths = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    at, most = _FILE_HEADER, 64
    while at + _RECORD_HEADER <= data.size:
        length = int.from_bytes(data[at + 8 : at + 12].tobytes(), "little")
        if length > _LONGEST_RECORD:
            raise InputError(f"{what} is a damaged pcap file: a record claims {length} bytes.")
        stride = _RECORD_HEADER + length
        room = min((data.size - at) // stride, most)
        if room == 0:
            break
        same = np.ndarray((room,), dtype="<u4", buffer=data, offset=at + 8, strides=(stride,)) == length
        run = room if same.all() else int(same.argmin())
        offsets.append(at + _RECORD_HEADER + stride * np.arange(run, dtype=np.int64))
        lengths.append(np.full(run, length, dtype=np.int64))
        most = 2 * most if run == room else 64
        at += stride * run
    warnings = () if at == data.size else ("the file ends within a record, which is left out",)
    return np.concatenate(offsets), np.concatenate(lengths), warnings


def _datagrams(data: np.ndarray, at: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return (number, count, offset, length) of the DCA1000 datagrams among records."""
    at, length = at[length >= _LEAST], length[length >= _LEAST]
    head = data[at[:, None] + np.arange(24)].astype(np.int64)
    words = (head[:, 14] & 0xF) * 4
    whole = ((head[:, 20] & 0x3F) == 0) & (head[:, 21] == 0)
    kind = (head[:, 12] == 8) & (head[:, 13] == 0) & (head[:, 14] >> 4 == 4) & (head[:, 23] == 17)
    found = kind & whole & (words >= 20) & (length >= _ETHERNET_BYTES + words + _UDP_BYTES + HEADER_BYTES)
    udp, length = (at + _ETHERNET_BYTES + words)[found], (length - _ETHERNET_BYTES - words)[found]
    head = data[udp[:, None] + np.arange(_UDP_BYTES + HEADER_BYTES)].astype(np.int64)
    size = head[:, 4] * 256 + head[:, 5]
    good = (head[:, 2] * 256 + head[:, 3] == PORT) & (size <= length) & (size > _UDP_BYTES + HEADER_BYTES)
    head, udp, size = head[good], udp[good], size[good]
    number = (head[:, 8:12] << (8 * np.arange(4))).sum(axis=1)
    count = (head[:, 12:18] << (8 * np.arange(6))).sum(axis=1)
    return number, count, udp + _UDP_BYTES + HEADER_BYTES, size - _UDP_BYTES - HEADER_BYTES
