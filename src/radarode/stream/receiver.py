"""A UDP socket read by a thread of its own, so that neither the event loop nor a search for points loses packets.

The thread sleeps a little between readings and takes what has come meanwhile at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.packet_stream import LARGEST_BYTES
from radarode.radar.readers.packets import DATA_BYTES, HEADER_BYTES

_WIDTH = LARGEST_BYTES + 6
"""Longer datagrams are cut, which shows that they are none of a DCA1000."""

_HEADER = struct.Struct("<IIH")
_ROWS = 1024
_BUFFER_BYTES = 8 * 2**20
_WAIT_S = 0.1
_REST_S = 0.005
_SILENT_S = 2.0
"""After such a silence packets from another address are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Hold datagrams in order of arrival.

    Attributes:
        packets: (packet, byte) one in each row.
        lengths: (packet,) bytes of each.
        arrived_s: when the last one arrived.
    """

    packets: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    arrived_s: float


class Receiver:
    """Receive datagrams until closed.

    Args:
        host: address to listen on.
        port: UDP port; 0 takes a free one.
        most_bytes: datagrams that wait for `take`; what is beyond is dropped and counted.

    Attributes:
        port: UDP port.
        received: datagrams from the radar's address, or from any before a radar was heard.
        foreign: datagrams from another address than the radar's, not used.
        overflowed: datagrams dropped since nobody took them.

    Raises:
        InputError: the port cannot be opened.
    """

    def __init__(self, host: str, port: int, most_bytes: int = 96 * 2**20) -> None:
        self._socket = _open(host, port)
        self.port = int(self._socket.getsockname()[1])
        self.received = self.foreign = self.overflowed = 0
        self._most = max(1, most_bytes // (_ROWS * _WIDTH))
        self._full: list[Batch] = []
        self._news, self._stop = threading.Condition(), threading.Event()
        self._table, self._lengths, self._used = *_table(), 0
        self._broken: InputError | None = None
        self._sender, self._heard_s = "", -np.inf
        self._thread = threading.Thread(target=self._run, name=f"udp-{self.port}", daemon=True)
        self._thread.start()

    def take(self, timeout_s: float) -> list[Batch]:
        """Return what came since the last call; wait for it at most so long.

        Raises:
            InputError: the socket broke.
        """
        with self._news:
            if not (self._full or self._used or self._stop.is_set()):
                self._news.wait(timeout_s)
            if self._broken is not None:
                raise self._broken
            self._close_table()
            found, self._full = self._full, []
        return found

    def close(self) -> None:
        """Stop and free the port; may be called more than once."""
        self._stop.set()
        self._thread.join()
        self._socket.close()
        with self._news:
            self._news.notify_all()

    def _run(self) -> None:
        try:
            self._receive()
        except (OSError, ValueError) as error:
            self._broken = InputError(f"the socket at UDP port {self.port} broke ({error}). Start the source again.")

    def _receive(self) -> None:
        while not self._stop.is_set():
            if select.select([self._socket], [], [], _WAIT_S)[0]:
                with self._news:
                    self._drain()
                    self._news.notify_all()
                time.sleep(_REST_S)

    def _drain(self) -> None:
        """Read until nothing is there; a flood ends the reading after a full table, so that others get their turn."""
        for _ in range(_ROWS):
            if self._used == _ROWS:
                self._close_table()
            try:
                length, sender = self._socket.recvfrom_into(self._table[self._used].data)
            except BlockingIOError:
                return
            except OSError:  # a host's refusal of something sent before
                continue
            if not self._heard(sender[0], _plausible(self._table[self._used], length)):
                self.foreign += 1
                continue
            self._lengths[self._used] = length
            self._used += 1
            self.received += 1

    def _heard(self, sender: str, plausible: bool) -> bool:
        """Tell whether to use a datagram; only plausible ones make or keep an address the radar's."""
        now_s = time.monotonic()
        if sender != self._sender and now_s - self._heard_s < _SILENT_S:
            return False
        if plausible:
            self._sender, self._heard_s = sender, now_s
        return True

    def _close_table(self) -> None:
        if not self._used:
            return
        if len(self._full) >= self._most:
            self.overflowed += self._used
        else:
            used, more = self._used, self._used == _ROWS
            packets = self._table if more else self._table[:used].copy()
            self._full.append(Batch(packets, self._lengths[:used].copy(), time.monotonic()))
            if more:
                self._table, self._lengths = _table()
        self._used = 0


def _plausible(row: NDArray[np.uint8], length: int) -> bool:
    """Tell whether a datagram's header can be a DCA1000's: number and byte count go together, the size is possible."""
    if not HEADER_BYTES < length <= LARGEST_BYTES:
        return False
    number, low, high = _HEADER.unpack_from(row.data)
    place, rest = divmod(low + (high << 32), DATA_BYTES)
    return rest == 0 and (place + 1) % 2**32 == number


def _table() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.zeros((_ROWS, _WIDTH), dtype=np.uint8), np.zeros(_ROWS, dtype=np.int64)


def _open(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not block, its buffer as large as the system allows."""
    if not 0 <= port <= 65535:
        raise InputError.of("port", "between 0 and 65535", port)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        opened = socket.socket(family, socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", "no host name")
        raise InputError(f"cannot listen on {host}:{port} ({why}). Name an address of this machine.") from error
    try:
        for option in (getattr(socket, "SO_RCVBUFFORCE", 33), socket.SO_RCVBUF):
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
                break
        opened.bind(address)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise InputError(
            f"cannot listen on {host}:{port} ({error.strerror}). Free the port, or name an address of this machine."
        ) from error
    return opened
