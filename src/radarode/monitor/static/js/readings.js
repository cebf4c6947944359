/** The numbers and words of a card. */

import { clock, quantity, signed, size, UNKNOWN } from "./format.js";

const SIGNALS = {
  "warming up": ["Warming up", "The first ECG needs a few seconds of motion."],
  "no signal": ["No signal", "No motion arrives from the radar."],
  "no heartbeat": ["No heartbeat", "Motion arrives; no heartbeat is found in it."],
  ok: ["Signal ok", ""],
};
const [FAIR, GOOD] = [0.3, 0.6];
const ORDER = ["high", "medium", "technical", "low"];

export class Readings {
  /** @param {HTMLElement} card @param {import("./model.js").Model} model @param {{speed: number, gain: number}} scale */
  constructor(card, model, scale) {
    this.card = card;
    this.scale = scale;
    this.model = model;
    this.find = (selector) => card.querySelector(selector);
    this.heart = this.find(".beat");
    this.paused = false;
    this.lost = false;
    this.shownEvents = "";
    this.#introduce();
  }

  #introduce() {
    const { facts } = this.model;
    this.#text(".number", String(facts.number + 1));
    this.#text(".name", facts.name);
    this.find(".simulated").hidden = !facts.simulated;
    const channels = `${facts.channels} ${facts.channels === 1 ? "channel" : "channels"}`;
    this.#text(".facts", `${channels}, ${facts.fs_hz} Hz, ${facts.kind}`);
    this.find(".warnings").hidden = !facts.warnings?.length;
    this.#text(".warnings", (facts.warnings ?? []).join("\n"));
  }

  #text(selector, text) {
    const element = this.find(selector);
    if (element.textContent !== text) element.textContent = text;
  }

  /** Let the heart beat once. */
  flash() {
    this.heart.classList.remove("now");
    requestAnimationFrame(() => this.heart.classList.add("now"));
  }

  /** @param {boolean} paused */
  setPaused(paused) {
    this.paused = paused;
    this.#text(".rate .word", paused ? "Heart rate now" : "Heart rate");
    this.#veil();
  }

  /** @param {boolean} lost whether the server is out of reach, so that all numbers are old */
  setLost(lost) {
    this.lost = lost;
    this.show(performance.now());
  }

  /** @param {number} nowMs */
  show(nowMs) {
    const { model } = this;
    const state = this.lost ? null : model.state;
    const bpm = state?.heart_rate_bpm ?? null;
    this.#text(".bpm", bpm === null ? UNKNOWN : bpm.toFixed(0));
    this.find(".bpm").dataset.known = bpm === null ? "no" : "yes";
    this.#quality(state && state.signal !== "no signal" ? state.quality : null);
    const counts = state?.counts ?? {};
    this.#field("interval", bpm === null ? UNKNOWN : quantity(state.interval_ms, 0, "ms"));
    this.#field("delay", state ? quantity(model.delayS(nowMs), 1, "s") : UNKNOWN);
    this.#field("lost", Number.isFinite(state?.lost_share) ? quantity(100 * state.lost_share, 1, "%") : UNKNOWN);
    this.#field("drift", Number.isFinite(state?.drift_ppm) ? signed(state.drift_ppm, "ppm") : UNKNOWN);
    const packets = ["late_packets", "dropped_packets", "refused_packets"].map((name) => counts[name] ?? UNKNOWN);
    this.#field("packets", packets.join(" / "));
    this.#field("time", state ? clock(state.stream_s) : UNKNOWN);
    if (model.limits) this.#text(".rate .limits", `${model.limits.low_bpm}\u2013${model.limits.high_bpm}`);
    this.#recording(state?.recording);
    this.#events();
    this.#signal(model.state?.signal ?? "warming up");
    const levels = (state?.alarms ?? []).filter(({ active }) => active !== false).map(({ level }) => level);
    this.card.dataset.alarm = ORDER.find((level) => levels.includes(level)) ?? "none";
    this.#text(".ecg .scale", `${this.scale.speed} mm/s, ${this.scale.gain} mm/mV`);
  }

  #field(name, text) {
    this.#text(`[data-field="${name}"]`, text);
  }

  #quality(quality) {
    const known = Number.isFinite(quality);
    const percent = known ? Math.round(100 * Math.min(1, Math.max(0, quality))) : 0;
    const meter = this.find(".meter");
    this.#text(".quality-text", known ? quantity(percent, 0, "%") : UNKNOWN);
    meter.setAttribute("aria-valuenow", String(percent));
    meter.dataset.grade = quality >= GOOD ? "good" : quality >= FAIR ? "fair" : "poor";
    meter.firstElementChild.style.transform = `scaleX(${percent / 100})`;
  }

  #recording(recording) {
    const place = this.find(".recording");
    const { path, bytes, error, sink_errors: others } = recording ?? {};
    const own = error ? `Not recording: ${error}` : path ? `Recording, ${size(bytes)}` : null;
    const told = [own, others ? `Not sent on: ${others}` : null].filter(Boolean);
    place.hidden = !told.length;
    if (!told.length) return;
    place.dataset.error = error || others ? "yes" : "no";
    place.title = path ?? "";
    this.#text(".recording", told.join(" · "));
  }

  #events() {
    const shown = this.model.events.slice(-30).reverse();
    const key = JSON.stringify(shown);
    if (key === this.shownEvents) return;
    this.shownEvents = key;
    const items = shown.map(({ atS, text }) => {
      const [item, time] = [document.createElement("li"), document.createElement("span")];
      time.className = "num";
      time.textContent = clock(atS);
      item.append(time, text);
      return item;
    });
    this.find(".events ol").replaceChildren(...items);
    this.find(".events").hidden = !items.length;
  }

  #signal(signal) {
    const word = this.lost ? "Not known now" : (SIGNALS[signal] ?? [signal])[0];
    this.card.dataset.signal = signal;
    this.find(".pill").dataset.signal = this.lost ? "lost" : signal;
    this.#text(".pill", word);
    this.#veil();
  }

  #veil() {
    const signal = this.card.dataset.signal;
    const veil = this.find(".veil");
    veil.hidden = this.paused || this.lost || signal === "ok";
    if (veil.hidden) return;
    const [word, text] = SIGNALS[signal] ?? [signal, ""];
    this.#text(".veil strong", word.toUpperCase());
    this.#text(".veil span", text);
  }
}
