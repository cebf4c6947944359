from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.stream import mqtt_link
from radarode.stream.mqtt_payload import HEADER, Payload, pack, pack_facts, unpack, unpack_facts
from radarode.stream.sinks.mqtt import MOST_WAITING, MqttSink
from radarode.stream.sources.mqtt import MqttSource
from radarode.stream.types import SourceFacts
from tests.stream.made import FACTS, facts_of, packets_of, run, take, until, updates

SENDER = SourceFacts("bed 3", 2, 100.0, "displacement", simulated=True)


class Broker:
    """A real mosquitto on a free port, that can be killed and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.command = [program, "-c", str(config)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_s = time.monotonic() + 10
        while time.monotonic() < until_s:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def address(self, topic: str = "ward/bed 3") -> str:
        return f"mqtt://127.0.0.1:{self.port}/{topic}"


@pytest.fixture
def broker(tmp_path: Path, monkeypatch) -> Iterator[Broker]:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        assert os.environ.get("RADARODE_REQUIRE_PEERS") != "1", "mosquitto is not installed, but required"
        pytest.skip("mosquitto is not installed")
    monkeypatch.setattr(mqtt_link, "RETRY_S", (0.05, 0.2))
    made = Broker(program, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def subscribed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the topics that the broker has confirmed, as they come: what is sent before is not heard."""
    topics, subscribe = list[str](), aiomqtt.Client.subscribe

    async def noted(self: aiomqtt.Client, topic: str, *arguments: Any, **options: Any) -> Any:
        answer = await subscribe(self, topic, *arguments, **options)
        topics.append(topic)
        return answer

    monkeypatch.setattr(aiomqtt.Client, "subscribe", noted)
    return topics


@asynccontextmanager
async def sender(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", broker.port, timeout=5) as client:
        yield client


def payload(number: int, session: int = 7, channels: int = 2) -> Payload:
    values = np.full((channels, 10), number, np.float32)
    return Payload(values, 10 * number, 100.0, session, 0.1 * number)


def good(number: int, **changes: int) -> bytes:
    return pack(payload(number, **changes))


def test_payload_survives_the_way(rng: np.random.Generator) -> None:
    values = rng.normal(size=(3, 17)).astype(np.float32)
    values[1, 4] = np.nan
    sent = Payload(values, 2**40, 250.5, 2**32 - 1, None)
    got = unpack(pack(sent))
    assert np.array_equal(got.values, values, equal_nan=True)
    assert (got.index, got.fs_hz, got.session, got.device_s) == (2**40, 250.5, 2**32 - 1, None)


def test_layout_is_the_documented_one() -> None:
    message = pack(Payload(np.array([[1.0, 2.0], [3.0, np.nan]], np.float32), 5, 200.0, 9, 1.25))
    assert message[:4] == b"rOde"
    assert list(message[4:16]) == [1, 0, 2, 0, 2, 0, 0, 0, 9, 0, 0, 0]
    assert int.from_bytes(message[16:24], "little") == 5
    assert np.frombuffer(message[24:40], "<f8").tolist() == [200.0, 1.25]
    assert np.frombuffer(message[40:], "<f4")[:3].tolist() == [1.0, 2.0, 3.0]


def test_garbage_is_refused_in_one_line_and_never_crashes(rng: np.random.Generator) -> None:
    whole = good(3)
    for _ in range(3000):
        message = bytearray(whole[: rng.integers(len(whole) + 1)] if rng.random() < 0.3 else whole)
        for place in rng.integers(0, max(1, min(len(message), 44)), rng.integers(1, 6)):
            if len(message):
                message[place] = rng.integers(256)
        found = None
        with contextlib.suppress(InputError):
            found = unpack(bytes(message))
        if found is not None:
            assert found.values.shape[0] * found.values.shape[1] * 4 == len(message) - HEADER.size
    for text in (b"", b"[]", b"{", b"null", b'{"version": 1}', b"[" * 10_000, b'{"version": 2, "name": 1}'):
        with pytest.raises(InputError):
            unpack_facts(text)
    huge = {"version": 1, "name": "x", "channels": 10**9, "fs_hz": 100}
    for changes in ({}, {"channels": math.inf}, {"channels": 2, "fs_hz": 1e9}, {"channels": 2, "kind": "ecg"}):
        with pytest.raises(InputError):
            unpack_facts(json.dumps(huge | changes).encode())


def test_source_reads_what_a_sender_publishes_and_counts_the_rest(broker: Broker, subscribed: list[str]) -> None:
    async def work() -> tuple[MqttSource, list]:
        async with sender(broker) as client:
            await client.publish("ward/bed 3/facts", pack_facts(SENDER), 1, retain=True)
            source = MqttSource(broker.address("ward/bed%203"), qos=1)
            taking = asyncio.create_task(take(source, lambda items: len(packets_of(items)) == 4))
            await until(lambda: "ward/bed 3" in subscribed)
            wrong = bytearray(good(9))
            wrong[4] = 2
            for message in (good(0), b"garbage", good(1), bytes(wrong), good(2)[:-4], b"", good(2), good(3)):
                await client.publish("ward/bed 3", message, 1)
            return source, await taking

    source, items = run(work())
    assert facts_of(items) == [SENDER]
    packets = packets_of(items)
    assert [packet.index for packet in packets] == [0, 10, 20, 30]
    assert [packet.device_s for packet in packets] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert np.array_equal(packets[2].motion, np.full((2, 10), 2, np.float32))
    assert source.lost() == 4
    assert source.problem is not None


def test_new_session_or_shape_describes_the_source_anew(broker: Broker, subscribed: list[str]) -> None:
    async def work() -> list:
        async with sender(broker) as client:
            source = MqttSource(broker.address("plain"))
            taking = asyncio.create_task(take(source, lambda items: len(packets_of(items)) == 4))
            await until(lambda: "plain" in subscribed)
            for message in (good(5), good(0, session=8), good(1, session=8), good(2, session=8, channels=3)):
                await client.publish("plain", message, 1)
            return await taking

    items = run(work())
    assert ["f" if isinstance(item, SourceFacts) else "p" for item in items] == list("fpfppfp")
    first, _, third = facts_of(items)
    assert (first.channels, first.fs_hz, first.kind) == (2, 100.0, "acceleration")
    assert "taken for RCG" in first.warnings[0]
    assert third.channels == 3


def test_source_that_never_starts_is_one_clear_line(broker: Broker) -> None:
    async def wrong_version() -> None:
        wrong = bytearray(good(0))
        wrong[4] = 2
        async with sender(broker) as client:
            await client.publish("old", bytes(wrong), 1, retain=True)
        await take(MqttSource(broker.address("old"), timeout_s=0.7), lambda _: False)

    with pytest.raises(InputError, match="version 2; this program reads version 1"):
        run(wrong_version())
    with pytest.raises(InputError, match="no message arrived") as caught:
        run(take(MqttSource(broker.address("silent"), timeout_s=0.7), lambda _: False))
    assert "\n" not in str(caught.value)
    broker.stop()
    with pytest.raises(InputError, match="cannot be reached"):
        run(take(MqttSource(broker.address(), timeout_s=0.7), lambda _: False))


def test_source_comes_back_with_the_broker(broker: Broker, subscribed: list[str]) -> None:
    async def work() -> tuple[MqttSource, list]:
        source = MqttSource(broker.address("t"))
        taking = asyncio.create_task(take(source, lambda items: len(packets_of(items)) == 2))
        await until(lambda: "t" in subscribed)
        async with sender(broker) as client:
            await client.publish("t", good(0), 1)
            await until(lambda: source._session is not None)  # it was heard
        broker.stop()
        await until(lambda: source.reconnects == 1)
        broker.start()
        async with sender(broker) as client:
            for _ in range(100):  # until it has subscribed again
                await client.publish("t", good(1), 1)
                await asyncio.sleep(0.05)
                if taking.done():
                    break
            return source, await taking

    source, items = run(work())
    assert [packet.index for packet in packets_of(items)] == [0, 10]
    assert len(facts_of(items)) == 1
    assert source.lost() == 0


def test_sink_publishes_facts_ecg_beats_and_state(broker: Broker) -> None:
    async def work() -> dict[str, list[aiomqtt.Message]]:
        sink = MqttSink(broker.address("out"), qos=1, beats_qos=2)
        found: dict[str, list[aiomqtt.Message]] = {}
        async with sender(broker) as client:
            await client.subscribe("out/#", 2)
            sink.begin(FACTS)
            for update in updates(12.0):
                await asyncio.to_thread(sink.write, update)
            await asyncio.to_thread(sink.close)
            sink.close()
            async with asyncio.timeout(10):
                async for message in client.messages:
                    found.setdefault(message.topic.value, []).append(message)
                    if "out/beats" in found and b"11.25" in found["out/beats"][-1].payload:
                        break
        async with sender(broker) as late:  # who comes late still learns what it is
            await late.subscribe("out/facts")
            found["late"] = [await asyncio.wait_for(anext(aiter(late.messages)), 5)]
        return found

    found = run(work())
    said = json.loads(found["late"][0].payload)
    assert said["simulated"] is True
    assert "not for diagnosis" in said["notice"] or "do not use it for diagnosis" in said["notice"]
    assert {message.qos for message in found["out/ecg"]} == {1}
    assert {message.qos for message in found["out/beats"]} == {2}
    parts = [unpack(message.payload) for message in found["out/ecg"]]
    assert [part.index for part in parts] == np.cumsum([0] + [part.values.shape[1] for part in parts])[:-1].tolist()
    ecg = np.concatenate([part.values[0] for part in parts])
    assert np.array_equal(ecg, np.concatenate([update.drawn for update in updates(12.0)]))
    beats = [beat["r_s"] for message in found["out/beats"] for beat in json.loads(message.payload)["beats"]]
    assert beats == [0.25 + k for k in range(12)]
    assert {part.session for part in parts} == {said["session"]}
    assert json.loads(found["out/state"][0].payload)["signal"] == "ok"


def test_sink_tells_when_the_broker_is_away_and_sends_what_waits(broker: Broker) -> None:
    broker.stop()
    sink = MqttSink(broker.address("out"))
    stream = list(updates(MOST_WAITING / 2))
    sink.begin(FACTS)

    def fails(update) -> bool:
        try:
            sink.write(update)
        except InputError as error:
            return "cannot be reached" in str(error)
        return False

    async def away() -> None:
        await until(lambda: fails(stream[10]))

    run(away())
    for update in stream:
        fails(update)
    assert sink.dropped > 0

    async def back() -> list[int]:
        broker.start()
        async with sender(broker) as client:
            await client.subscribe("out/ecg", 1)
            await until(lambda: not fails(stream[-1]))
            async with asyncio.timeout(10):
                return [unpack((await anext(aiter(client.messages))).payload).index for _ in range(5)]

    received = run(back())
    sink.close()
    assert len(received) == 5


def test_close_does_not_hang_without_a_broker(broker: Broker) -> None:
    broker.stop()
    sink = MqttSink(broker.address())
    sink.begin(FACTS)
    started_s = time.monotonic()
    sink.close()
    assert time.monotonic() - started_s < 5
