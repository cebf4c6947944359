from __future__ import annotations

from pathlib import Path

import pytest

from radarode.core.errors import InputError
from radarode.stream.sources import open_source
from radarode.stream.sources.dca1000 import Dca1000Source
from radarode.stream.sources.lsl import LslSource
from radarode.stream.sources.mqtt import MqttSource
from radarode.stream.sources.replay import ReplaySource
from radarode.stream.sources.simulated import SEED, SimulatedSource


def test_texts_name_their_sources() -> None:
    replay = open_source("data/a b.mat", speed=4.0, loop=True, channels=None)
    assert isinstance(replay, ReplaySource)
    assert (replay.path, replay.speed, replay.loop) == (Path("data/a b.mat"), 4.0, True)
    simulated = open_source("simulate:12", heart_bpm=45, channels=3, speed=2.0)
    assert isinstance(simulated, SimulatedSource)
    assert (simulated.seed, simulated.settings.heart_bpm, simulated.settings.channels, simulated.speed) == (
        12, 45, 3, 2.0,
    )  # fmt: skip
    default = open_source("simulate")
    assert isinstance(default, SimulatedSource)
    assert default.seed == SEED
    lsl = open_source("lsl:my: stream", timeout_s=2.0)
    assert isinstance(lsl, LslSource)
    assert (lsl.stream, lsl.timeout_s) == ("my: stream", 2.0)
    mqtt = open_source("mqtt://user:secret@host:1884/a/b", qos=1)
    assert isinstance(mqtt, MqttSource)
    assert (mqtt.address.host, mqtt.address.port, mqtt.address.topic, mqtt.qos) == ("host", 1884, "a/b", 1)
    assert "secret" not in str(mqtt.address)


def test_udp_needs_a_radar_and_a_port() -> None:
    with pytest.raises(InputError, match="radar"):
        open_source("udp:4098")
    for text in ("udp:", "udp:x", "udp:99999", "udp:host:"):
        with pytest.raises(InputError, match="udp:PORT"):
            open_source(text, radar="awr1843")
    source = open_source("udp:127.0.0.2:0", radar="awr1843")
    assert isinstance(source, Dca1000Source)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("simulate:x", {}, "simulate:SEED"),
        ("simulate:-1", {}, "simulate:SEED"),
        ("simulate", {"loop": True}, "'loop'"),
        ("a.mat", {"heart_bpm": 40}, "'heart_bpm'"),
        ("lsl:", {}, "stream"),
        ("lsl:x", {"kind": "speed"}, "kind"),
        ("mqtt://host", {}, "topic"),
        ("mqtt:///topic", {}, "host"),
        ("mqtt://host/a/#", {}, "wildcards"),
        ("mqtt://user:secret@host:port/a", {}, "MQTT address"),
        ("mqtt://host/a", {"qos": 3}, "qos"),
    ],
)
def test_what_cannot_be_opened_is_one_line(text: str, options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        open_source(text, **options)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
