from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.capture import open_capture
from radarode.radar.capture_facts import PacketCounts
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.readers.lanes import frame_bytes

DATA = 1456


def packets_of(stream: bytes, size: int = DATA) -> list[bytes]:
    """Return the payloads that a DCA1000 would send for a stream."""
    starts = range(0, len(stream), size)
    return [struct.pack("<IQ", k + 1, at)[:10] + stream[at : at + size] for k, at in enumerate(starts)]


def datagram(payload: bytes, *, port: int = 4098, protocol: int = 17, flags: int = 0, options: int = 0) -> bytes:
    udp = struct.pack(">HHHH", 4096, port, 8 + len(payload), 0) + payload
    words = 5 + options
    header = struct.pack(">BBHHHBBHII", 0x40 | words, 0, 4 * words + len(udp), 0, flags, 64, protocol, 0, 1, 2)
    return b"\xff" * 12 + b"\x08\x00" + header + b"\0" * 4 * options + udp


def pcap(records: Sequence[bytes], *, magic: int = 0xA1B2C3D4, link: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    return head + b"".join(struct.pack("<IIII", 1, 2, len(one), len(one)) + one for one in records)


@pytest.fixture
def sent(raw: Path) -> list[bytes]:
    return packets_of(raw.read_bytes())


@pytest.fixture
def truth(raw: Path, small: FmcwRadar) -> np.ndarray:
    return open_capture(raw, small).read()


def write(folder: Path, content: bytes, name: str = "log.bin") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("kind", ["plain", "pcap", "pcap-ns"])
def test_a_whole_log_equals_the_bare_stream(
    kind: str, tmp_path: Path, sent: list[bytes], truth: np.ndarray, small: FmcwRadar
):
    assert len(sent[-1]) != len(sent[0]), "the last packet is short"
    magic = 0xA1B23C4D if kind == "pcap-ns" else 0xA1B2C3D4
    content = b"".join(sent) if kind == "plain" else pcap([datagram(one) for one in sent], magic=magic)
    capture = open_capture(write(tmp_path, content), small)
    assert capture.facts.layout == ("dca1000-packets" if kind == "plain" else "dca1000-pcap")
    assert capture.facts.packets == PacketCounts(len(sent), 0, 0, 0, 0)
    assert not capture.lost.any()
    np.testing.assert_array_equal(capture.read(), truth)
    np.testing.assert_array_equal(capture.read(7, 9), truth[7:9])


def test_lost_packets_are_zeros_in_their_place(tmp_path: Path, sent: list[bytes], raw: Path, small: FmcwRadar):
    gone = (0, 11, 12)
    kept = [one for k, one in enumerate(sent) if k not in gone]
    capture = open_capture(write(tmp_path, b"".join(kept)), small)
    assert capture.facts.packets == PacketCounts(len(kept), 3, 0, 0, 0)
    stream = np.frombuffer(raw.read_bytes(), dtype=np.uint8).copy()
    there = np.ones(stream.size)
    for k in gone:
        stream[k * DATA : (k + 1) * DATA] = 0
        there[k * DATA : (k + 1) * DATA] = 0
    size = frame_bytes(small)
    frames = capture.n_frames
    expected = open_capture(write(tmp_path, stream.tobytes(), "zeros.bin"), small, check=False).read()
    np.testing.assert_array_equal(capture.read(), expected)
    np.testing.assert_allclose(capture.lost, 1 - there[: frames * size].reshape(frames, size).mean(axis=1), atol=1e-7)
    assert capture.lost[0] > 0


def test_disorder_repeats_and_damage(tmp_path: Path, sent: list[bytes], truth: np.ndarray, small: FmcwRadar):
    mixed = [*sent[:3], sent[4], sent[3], *sent[5:9], sent[7], sent[7], *sent[9:]]
    capture = open_capture(write(tmp_path, b"".join(mixed)), small)
    assert capture.facts.packets == PacketCounts(len(sent), 0, 2, 1, 0)
    np.testing.assert_array_equal(capture.read(), truth)
    wrong = bytearray(sent[20])
    wrong[9] ^= 0x7F
    capture = open_capture(write(tmp_path, b"".join([*sent[:20], bytes(wrong), *sent[21:]])), small)
    assert capture.facts.packets == PacketCounts(len(sent) - 1, 1, 0, 0, 1)
    assert capture.lost.max() > 0


def test_shuffled_log(tmp_path: Path, sent: list[bytes], truth: np.ndarray, small: FmcwRadar):
    order = np.random.default_rng(3).permutation(len(sent) - 1)
    content = b"".join([*(sent[k] for k in order), sent[-1]])
    capture = open_capture(write(tmp_path, content), small, layout="dca1000-packets")
    np.testing.assert_array_equal(capture.read(), truth)


def test_a_pcap_with_other_traffic(tmp_path: Path, sent: list[bytes], truth: np.ndarray, small: FmcwRadar):
    wanted = [datagram(one, options=k % 2) for k, one in enumerate(sent)]
    others = [
        b"\xff" * 60,
        b"",
        datagram(b"x" * 300, port=4096),
        datagram(b"x" * 300, protocol=6),
        datagram(sent[0], flags=0x2000),
        datagram(sent[0], flags=0x0010),
        datagram(b"short"),
    ]
    records = [one for k, frame in enumerate(wanted) for one in (frame, others[k % len(others)])]
    capture = open_capture(write(tmp_path, pcap(records), "a.pcap"), small)
    assert capture.facts.packets == PacketCounts(len(sent), 0, 0, 0, 0)
    np.testing.assert_array_equal(capture.read(), truth)


def test_packets_of_another_size_need_a_pcap(tmp_path: Path, raw: Path, truth: np.ndarray, small: FmcwRadar):
    records = [datagram(one) for one in packets_of(raw.read_bytes(), 1000)]
    capture = open_capture(write(tmp_path, pcap(records), "a.pcap"), small)
    np.testing.assert_array_equal(capture.read(), truth)


def test_datagrams_cut_by_the_recorder_are_lost(tmp_path: Path, sent: list[bytes], small: FmcwRadar):
    records = [datagram(one) for one in sent]
    records[5] = records[5][:200]
    capture = open_capture(write(tmp_path, pcap(records), "a.pcap"), small)
    assert capture.facts.packets == PacketCounts(len(sent) - 1, 1, 0, 0, 0)


def test_a_truncated_pcap_warns(tmp_path: Path, sent: list[bytes], small: FmcwRadar):
    content = pcap([datagram(one) for one in sent])[:-700]
    capture = open_capture(write(tmp_path, content, "a.pcap"), small)
    assert any("ends within a record" in text for text in capture.facts.warnings)
    assert any("not a whole frame" in text for text in capture.facts.warnings)


def test_too_many_lost(tmp_path: Path, sent: list[bytes], small: FmcwRadar):
    path = write(tmp_path, b"".join(sent[:10] + sent[50:]))
    with pytest.raises(InputError, match=r"log.bin lost [23]\d\.\d% of its bytes, more than max_lost = 20.0%"):
        open_capture(path, small)
    assert open_capture(path, small, max_lost=0.5).lost.max() == 1.0


def test_a_log_that_starts_late(tmp_path: Path, sent: list[bytes], truth: np.ndarray, small: FmcwRadar):
    path = write(tmp_path, b"".join(sent[40:]))
    with pytest.raises(InputError, match="from_first_packet"):
        open_capture(path, small)
    capture = open_capture(path, small, from_first_packet=True)
    first = 40 * DATA // frame_bytes(small)
    assert capture.facts.packets == PacketCounts(len(sent) - 40, 0, 0, 0, 0)
    np.testing.assert_array_equal(capture.read(1), truth[first + 1 :])


def test_a_count_that_claims_terabytes(tmp_path: Path, sent: list[bytes], small: FmcwRadar):
    far = struct.pack("<IQ", 2**31, (2**31 - 1) * DATA)[:10] + sent[0][10:]
    path = write(tmp_path, b"".join([*sent[:-1], far]))
    for options in ({}, {"max_lost": 1.0}):
        with pytest.raises(InputError, match=r"lost 100.0%"):
            open_capture(path, small, **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pcap([])[:20], "classic pcap"),
        (b"\x0a\x0d\x0d\x0a" + b"\0" * 200, "editcap"),
        (b"\xa1\xb2\xc3\xd4" + b"\0" * 200, "editcap"),
        (pcap([b"x" * 100], link=113), "no Ethernet frames"),
        (pcap([b"x" * 100]), "holds no packets"),
        (pcap([]), "holds no packets"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 2**31, 5) + b"x" * 50, "damaged pcap"),
        (pcap([datagram(struct.pack("<IQ", k * k, k * 7919)[:10] + b"y" * DATA) for k in range(9)]), "do not go with"),
    ],
)
def test_bad_pcap(tmp_path: Path, content: bytes, message: str, small: FmcwRadar):
    with pytest.raises(InputError, match=message):
        open_capture(write(tmp_path, content, "a.pcap"), small)


def test_a_log_without_one_packet(tmp_path: Path, sent: list[bytes], small: FmcwRadar):
    with pytest.raises(InputError, match="less than one packet"):
        open_capture(write(tmp_path, sent[0][:900]), small, layout="dca1000-packets")
