/** The bar of alarms of all radars, what is read aloud, and the sound. */

import { Beeper } from "./beep.js";
import { span } from "./format.js";

const ORDER = ["high", "medium", "technical", "low"];
const WORDS = { high: "!!! Alarm", medium: "!! Warning", technical: "! Notice", low: "! Notice" };
const SILENCE_S = 60;
const LOST = { key: "page lost", name: "", text: "connection lost: nothing is watched", level: "technical", active: true };

export class AlarmBar {
  /** @param {(stream: number, forS: number) => void} silence tell the server */
  constructor(silence) {
    this.tellServer = silence;
    this.bar = document.querySelector("#alarm-bar");
    this.list = document.querySelector("#alarm-list");
    this.voice = document.querySelector("#alarm-voice");
    this.button = document.querySelector("#silence");
    this.buttonText = document.querySelector("#silence-text");
    this.soundButton = document.querySelector("#sound");
    this.beeper = new Beeper();
    this.standing = [];
    this.spoken = new Set();
    this.silencedUntilMs = 0;
    this.lostSilencedMs = 0;
    this.shown = "";
    this.button.addEventListener("click", () => this.silence());
    this.soundButton.addEventListener("click", () => this.toggleSound());
    setInterval(() => this.#sound(), 500);
  }

  /**
   * Show the alarms that stand.
   * @param {import("./model.js").Model[]} models @param {boolean} lost whether the server is out of reach
   */
  show(models, lost) {
    this.standing = models.flatMap(({ facts, state }) => (state?.alarms ?? []).map((alarm) => ({
      ...alarm, key: `${facts.number} ${alarm.name}`, stream: facts.number, radar: facts.name, active: alarm.active ?? true,
    })));
    const lostSilenced = performance.now() < this.lostSilencedMs;
    if (lost) this.standing = [{ ...LOST, silenced: lostSilenced }];
    else this.lostSilencedMs = 0;
    this.standing.sort((a, b) => b.active - a.active || ORDER.indexOf(a.level) - ORDER.indexOf(b.level));
    this.several = models.length > 1;
    this.#draw();
    this.#speak();
  }

  #draw() {
    this.bar.dataset.level = this.standing[0]?.level ?? "none";
    this.#label();
    const rows = this.standing.map((alarm) => this.#row(alarm));
    const key = JSON.stringify(rows);
    if (key === this.shown) return;
    this.shown = key;
    this.list.replaceChildren(...rows.map((row) => this.#item(row)));
    if (!rows.length) {
      const calm = document.createElement("li");
      calm.className = "calm";
      calm.textContent = "No alarms";
      this.list.append(calm);
    }
  }

  #row({ name, text, level, active, since_s: sinceS, radar }) {
    const begun = Number.isFinite(sinceS) ? `for ${span(sinceS)}` : "";
    const capital = text.charAt(0).toUpperCase() + text.slice(1);
    const where = this.several && radar ? `${radar}: ` : "";
    return { name, level, over: active ? "no" : "yes", text: where + capital, begun: active ? begun : "over; not yet acknowledged" };
  }

  #item({ name, level, over, text, begun }) {
    const item = document.createElement("li");
    Object.assign(item.dataset, { level, over, name });
    const parts = [["word", WORDS[level] ?? "!"], ["text", text], ["since", begun]];
    for (const [kind, content] of parts) {
      const part = document.createElement("span");
      part.className = kind;
      part.textContent = content;
      item.append(part);
    }
    return item;
  }

  #label() {
    const loud = this.standing.some(({ active, silenced }) => active && !silenced);
    const leftS = Math.ceil((this.silencedUntilMs - performance.now()) / 1000);
    const over = this.standing.some(({ active }) => !active);
    let text = `Silence ${SILENCE_S} s`;
    if (!loud) text = over ? "Acknowledge" : leftS > 0 ? `Silenced ${leftS} s` : "Silenced";
    if (this.buttonText.textContent !== text) this.buttonText.textContent = text;
  }

  #speak() {
    const active = this.standing.filter((alarm) => alarm.active);
    const fresh = active.filter(({ key }) => !this.spoken.has(key));
    this.spoken = new Set(active.map(({ key }) => key));
    if (fresh.length) this.voice.textContent = fresh.map((alarm) => this.#row(alarm).text).join(". ");
    else if (!active.length && this.voice.textContent) this.voice.textContent = "";
  }

  #sound() {
    const loud = this.standing.filter(({ active, silenced }) => active && !silenced);
    this.beeper.sound(loud[0]?.level ?? null);
    if (this.standing.length) this.#label();
  }

  /** Silence the sound for a minute, and acknowledge what is over. */
  silence() {
    if (!this.standing.length) return;
    this.silencedUntilMs = performance.now() + 1000 * SILENCE_S;
    this.lostSilencedMs = this.silencedUntilMs;
    const streams = new Set(this.standing.map(({ stream }) => stream).filter((stream) => stream !== undefined));
    for (const stream of streams) this.tellServer(stream, SILENCE_S);
    for (const alarm of this.standing) alarm.silenced = true;
    this.#label();
  }

  /** Turn the sound on or off. */
  async toggleSound() {
    await this.beeper.toggle();
    const { on } = this.beeper;
    this.soundButton.setAttribute("aria-pressed", String(on));
    this.soundButton.querySelector("use").setAttribute("href", on ? "#i-sound" : "#i-mute");
    this.soundButton.querySelector("span").textContent = on ? "Sound on" : "Sound off";
  }
}
