/** The page: which radars there are, which one is enlarged, whether it is paused; who gets which message. */

import { AlarmBar } from "./alarms.js";
import { Card } from "./card.js";
import { themeColours } from "./colours.js";
import { Connection, takeToken } from "./connection.js";
import { askToken } from "./dialogs.js";
import { Model } from "./model.js";
import { unpack } from "./protocol.js";
import { Settings } from "./settings.js";

const TICK_MS = 500;
const TOAST_MS = 5000;

export class App {
  constructor() {
    this.settings = new Settings();
    this.scale = {};
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    this.enlarged = null;
    this.selected = null;
    this.paused = false;
    this.backS = 0;
    this.historyS = 600;
    this.lost = true;
    this.nextMs = 0;
    /** Called whenever something changed that the bars show. */
    this.onChange = () => {};
    this.place = document.querySelector("#cards");
    this.alarms = new AlarmBar((stream, forS) => this.connection.send({ type: "silence", stream, for_s: forS }));
    this.connection = new Connection(this.#listener(), takeToken());
    this.applySettings();
  }

  /** Begin. */
  start() {
    this.connection.connect();
    const frame = (nowMs) => {
      requestAnimationFrame(frame);
      for (const card of this.visible()) card.frame(nowMs, this.backS);
    };
    requestAnimationFrame(frame);
    setInterval(() => this.#tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) for (const card of this.cards.values()) card.refresh();
    });
  }

  #listener() {
    return {
      onOpen: () => this.#setLost(false, ""),
      onLost: (text, nextMs) => {
        this.nextMs = nextMs;
        this.#setLost(true, text);
      },
      onMessage: (message) => this.#take(message),
      onBinary: (buffer) => this.#takeBinary(buffer),
      onUnauthorised: async (wrong) => {
        this.#setLost(true, "An access token is needed.");
        this.connection.use(await askToken(wrong));
      },
    };
  }

  #setLost(lost, text) {
    this.lost = lost;
    this.lostText = text;
    const known = this.cards.size > 0 || !lost;
    document.body.dataset.link = lost ? (known ? "lost" : "unreachable") : "open";
    for (const card of this.cards.values()) card.readings.setLost(lost);
    this.#tick();
    this.onChange();
  }

  #take(message) {
    if (message.type === "hello") this.#hello(message);
    else if (message.type === "error") this.toast(message.text);
    else this.cards.get(message.stream)?.inbox.take(message);
  }

  #takeBinary(buffer) {
    try {
      const block = unpack(buffer);
      this.cards.get(block.stream)?.inbox.takeBlock(block);
    } catch (error) {
      this.toast(`The monitor sent ${error.message}.`);
    }
  }

  #hello({ streams, notice, version, history_s: historyS }) {
    document.querySelector("#notice-text").textContent = notice;
    document.querySelector(".brand").title = `radarode ${version}`;
    this.historyS = historyS ?? this.historyS;
    const before = this.cards;
    this.cards = new Map();
    for (const facts of streams) this.cards.set(facts.number, this.#cardFor(facts, before.get(facts.number)));
    const wanted = [...this.cards.values()].map((card) => card.element);
    const same = wanted.length === this.place.children.length && wanted.every((element, k) => element === this.place.children[k]);
    if (!same) this.place.replaceChildren(...wanted);
    this.connection.expectsMessages = streams.length > 0;
    this.enlarge(this.cards.size === 1 ? streams[0].number : this.cards.has(this.enlarged) ? this.enlarged : null);
  }

  #cardFor(facts, old) {
    const same = (name) => JSON.stringify(old.model.facts[name]) === JSON.stringify(facts[name]);
    if (old && ["name", "channels", "fs_hz", "kind", "simulated", "warnings", "freqs_hz"].every(same)) {
      old.inbox.hold(facts.run);
      return old;
    }
    const page = { token: () => this.connection.token, onError: (text) => this.toast(text) };
    const card = new Card(new Model(facts), this.scale, themeColours(), page);
    if (this.paused) card.setPaused(true);
    return card;
  }

  /** Cards that can be seen. @returns {Card[]} */
  visible() {
    return this.enlarged === null ? [...this.cards.values()] : [this.cards.get(this.enlarged)].filter(Boolean);
  }

  /** The card that keys are meant for. @returns {Card | undefined} */
  get current() {
    return this.cards.get(this.enlarged) ?? this.cards.get(this.selected) ?? this.cards.values().next().value;
  }

  /** Enlarge a radar, or show all. @param {number | null} number */
  enlarge(number) {
    this.enlarged = number;
    if (number !== null) this.selected = number;
    document.body.dataset.view = number === null ? "grid" : "one";
    for (const [key, card] of this.cards) {
      card.element.classList.toggle("enlarged", key === number);
      card.refresh();
    }
    this.#tick();
    this.onChange();
  }

  /** @param {boolean} paused */
  setPaused(paused) {
    this.paused = paused;
    this.backS = 0;
    for (const card of this.cards.values()) card.setPaused(paused);
    this.onChange();
  }

  /** Scroll to a time before the moment of pausing. @param {number} backS */
  scrollTo(backS) {
    this.backS = Math.max(0, Math.min(backS, (this.current?.pausedS ?? 0) - this.oldestS));
    this.onChange();
  }

  /** Earliest time that the right edge of the strip may show while paused: the first full screen that is remembered. */
  get oldestS() {
    const endS = this.current?.pausedS ?? 0;
    return Math.min(endS, Math.max(0, endS - this.historyS) + (this.current?.periodS ?? 10));
  }

  /** Take theme and scale from the settings. */
  applySettings() {
    const { settings } = this;
    const theme = settings.get("theme");
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    document.documentElement.style.setProperty("--mm", `${settings.get("mmPx")}px`);
    Object.assign(this.scale, { speed: settings.get("speed"), gain: settings.get("gain"), mmPx: settings.get("mmPx") });
    const colours = themeColours();
    for (const card of this.cards.values()) card.dress(colours);
    this.onChange();
  }

  /** Show a line for a few seconds. @param {string} text */
  toast(text) {
    const place = document.querySelector("#toast");
    place.textContent = text;
    place.hidden = false;
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (place.hidden = true), TOAST_MS);
  }

  #tick() {
    const nowMs = performance.now();
    for (const card of this.visible()) card.tick(nowMs);
    this.alarms.show([...this.cards.values()].map((card) => card.model), this.lost && this.cards.size > 0);
    if (this.lost) this.onChange();
  }
}
