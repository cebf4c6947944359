/** Buttons, keys and the bars that tell what the page does. */

import { askLimits, askMark, ask, calibrate, dialogOpen, offerExport } from "./dialogs.js";
import { clock } from "./format.js";

const find = (id) => document.querySelector(`#${id}`);
const THEMES = ["auto", "light", "dark"];
const STEP_S = 1;

export class Controls {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    app.onChange = () => this.show();
    app.settings.listeners.add(() => app.applySettings());
    this.#buttons();
    document.addEventListener("keydown", (event) => this.#key(event));
    this.show();
  }

  #buttons() {
    const { app } = this;
    const actions = {
      pause: () => this.pause(), mark: () => this.mark(), export: () => this.export(), limits: () => this.limits(),
      calibrate: () => calibrate(app.settings), theme: () => this.theme(), help: () => ask("help"),
      all: () => app.enlarge(null), retry: () => app.connection.connect(),
      earlier: () => this.screen(1), later: () => this.screen(-1),
    };
    for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", action);
    find("speed").addEventListener("change", (event) => app.settings.set("speed", Number(event.target.value)));
    find("gain").addEventListener("change", (event) => app.settings.set("gain", Number(event.target.value)));
    find("scroll").addEventListener("input", (event) => app.scrollTo((app.current?.pausedS ?? 0) - Number(event.target.value)));
    app.place.addEventListener("click", (event) => this.#click(event));
    app.place.addEventListener("focusin", (event) => {
      const card = event.target.closest(".card");
      if (card) app.selected = Number(card.dataset.stream);
    });
  }

  #click(event) {
    const card = event.target.closest(".card");
    if (!card || this.app.enlarged !== null) return;
    this.app.enlarge(Number(card.dataset.stream));
    card.querySelector(".title").focus({ preventScroll: true });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || dialogOpen()) return;
    const { target } = event;
    const onField = target.matches("input, select, textarea");
    if (onField && (event.key.startsWith("Arrow") || event.key === " " || ["Home", "End"].includes(event.key))) return;
    if (event.key === " " && target.matches("button, a, [role=slider]")) return;
    const action = this.#action(event);
    if (!action) return;
    event.preventDefault();
    action();
  }

  #action({ key, shiftKey }) {
    const { app } = this;
    const scroll = { ArrowLeft: 1, ArrowRight: -1 }[key];
    if (scroll && app.paused) return () => (shiftKey ? this.screen(scroll) : app.scrollTo(app.backS + scroll * STEP_S));
    if (app.paused && key === "Home") return () => app.scrollTo(Infinity);
    if (app.paused && key === "End") return () => app.scrollTo(0);
    if (/^[1-9]$/.test(key)) return () => app.cards.has(Number(key) - 1) && app.enlarge(Number(key) - 1);
    return {
      p: () => this.pause(), " ": () => this.pause(), m: () => this.mark(), e: () => this.export(), l: () => this.limits(),
      s: () => app.alarms.silence(), b: () => app.alarms.toggleSound(), c: () => calibrate(app.settings), t: () => this.theme(),
      "?": () => ask("help"), "[": () => app.settings.step("speed", -1), "]": () => app.settings.step("speed", 1),
      "-": () => app.settings.step("gain", -1), "+": () => app.settings.step("gain", 1), "=": () => app.settings.step("gain", 1),
      escape: this.#back(),
    }[key.toLowerCase()];
  }

  #back() {
    const { app } = this;
    if (app.paused) return () => this.pause();
    if (app.enlarged === null || app.cards.size < 2) return undefined;
    return () => {
      const { element } = app.current;
      app.enlarge(null);
      element.querySelector(".title").focus();
    };
  }

  /** Pause, or go on. */
  pause() {
    this.app.setPaused(!this.app.paused);
  }

  /** Scroll by what one strip shows. @param {1 | -1} by 1 is earlier */
  screen(by) {
    this.app.scrollTo(this.app.backS + by * 0.9 * (this.app.current?.periodS ?? 10));
  }

  /** Take the next theme. */
  theme() {
    const { settings } = this.app;
    settings.set("theme", THEMES[(THEMES.indexOf(settings.get("theme")) + 1) % THEMES.length]);
    const words = { auto: "Colours as the system's", light: "Light colours", dark: "Dark colours" };
    this.app.toast(words[settings.get("theme")]);
  }

  /** Mark an event on the current radar. */
  async mark() {
    const card = this.app.current;
    if (!card?.model.state) return;
    const { model } = card;
    const liveS = model.state.stream_s + (performance.now() - model.stateMs) / 1000 * (model.state.signal === "no signal" ? 0 : 1);
    const atS = card.pausedS === null ? liveS : card.pausedS - this.app.backS;
    const text = await askMark(model.facts.name, atS, card.pausedS === null);
    if (text === null) return;
    const sent = this.app.connection.send({ type: "mark", stream: model.facts.number, at_s: Number(atS.toFixed(3)), text });
    this.app.toast(sent ? `Marked at ${clock(atS)}` : "Not marked: the connection is lost.");
  }

  /** Offer the files of the current radar. */
  async export() {
    const { app } = this;
    if (app.current) await offerExport(app.current.model.facts, app.historyS, app.connection.token, (text) => app.toast(text));
  }

  /** Ask for the alarm limits of the current radar. */
  async limits() {
    const { app } = this;
    const card = app.current;
    if (!card) return;
    const limits = await askLimits(card.model.facts.name, card.model.limits);
    if (limits && !app.connection.send({ type: "limits", stream: card.model.facts.number, ...limits })) {
      app.toast("Not set: the connection is lost.");
    }
  }

  /** Show what the page does. */
  show() {
    const { app } = this;
    find("speed").value = String(app.settings.get("speed"));
    find("gain").value = String(app.settings.get("gain"));
    find("all").hidden = app.enlarged === null || app.cards.size < 2;
    find("pause").setAttribute("aria-pressed", String(app.paused));
    find("pause").querySelector("span").textContent = app.paused ? "Go on" : "Pause";
    find("pause").querySelector("use").setAttribute("href", app.paused ? "#i-play" : "#i-pause");
    this.#showLink();
    this.#showScroll();
  }

  #showLink() {
    const { app } = this;
    const { link } = document.body.dataset;
    const words = { open: "Connected", lost: "Connection lost", connecting: "Connecting", unreachable: "Not connected" };
    const waitS = Math.max(0, Math.ceil((app.nextMs - performance.now()) / 1000));
    const next = waitS ? `Trying again in ${waitS} s.` : "Trying again now.";
    find("link-text").textContent = words[link];
    find("lost-bar").hidden = link !== "lost";
    if (link === "lost") find("lost-text").textContent = `${app.lostText ?? ""} What you see is old. ${next}`;
    find("empty-title").textContent = link === "open" ? "No radar yet" : words[link];
    const reason = `${app.lostText ?? ""} ${app.lostText ? next : ""}`;
    find("empty-text").textContent = link === "open" ? "The page shows streams as soon as they begin." : reason;
  }

  #showScroll() {
    const { app } = this;
    find("scroll-bar").hidden = !app.paused;
    if (!app.paused) return;
    const endS = app.current?.pausedS ?? 0;
    const slider = find("scroll");
    slider.min = String(app.oldestS);
    slider.max = String(endS);
    slider.value = String(endS - app.backS);
    slider.setAttribute("aria-valuetext", clock(endS - app.backS));
    const back = app.backS > 0.05 ? `, ${app.backS.toFixed(0)} s back` : "";
    find("scroll-time").textContent = `${clock(endS - app.backS)}${back}`;
  }
}
